import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { withServerError } from './server-log.ts'

async function givenLog() {
  const dir = await mkdtemp(join(tmpdir(), 'natter-log-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = join(dir, 'runtime.log')
  await writeFile(path, '')
  return { path, log: pino(pino.destination({ dest: path, sync: true })) }
}

const rejectWith = (code: string) => () =>
  Promise.reject(Object.assign(new Error(`Answer: ${code}`), { code }))

describe('the error of a failed call', () => {
  it('has the error of the server as its cause', async () => {
    const { path, log } = await givenLog()
    log.error({ err: new TypeError('earlier') }, 'function failed')
    log.error({ err: new TypeError('rolls is not iterable') }, 'function failed')
    log.info('later')

    const failed = withServerError(path, rejectWith('internal'))

    await expect(failed).rejects.toMatchObject({
      code: 'internal',
      cause: {
        message: 'rolls is not iterable',
        stack: expect.stringContaining('server-log.test.ts'),
      },
    })
  })

  it('is unchanged if the call was rejected with a code other than internal', async () => {
    const { path, log } = await givenLog()
    log.error({ err: new TypeError('of another call') }, 'function failed')

    const failed = withServerError(path, rejectWith('conflict'))

    await expect(failed).rejects.toSatisfy((error: Error) => error.cause === undefined)
  })
})
