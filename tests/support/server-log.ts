import { readFile } from 'node:fs/promises'

/**
 * Returns the answer of a call. If the call fails with `internal`, which has no details, reads the
 * error from the log of the server, and sets it as the cause. So a failed test shows this error.
 */
export async function withServerError<Answer>(
  log: string,
  call: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await call()
  } catch (error) {
    if (Object(error).code !== 'internal') throw error
    throw Object.assign(error as Error, { cause: await readLastError(log) })
  }
}

async function readLastError(log: string): Promise<Error | undefined> {
  const lines = (await readFile(log, 'utf8')).split('\n')
  const failure = lines.findLast((line) => line.includes('"function failed"'))
  if (failure === undefined) return undefined
  const { message, stack } = JSON.parse(failure).err
  return Object.assign(new Error(message), { stack })
}
