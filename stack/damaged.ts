export interface StateFault {
  path: string
  cause: unknown
  command: string
  loss: string
}

/** Matches errors with another cause than damaged data, so that removing the data would not help. */
const otherFault =
  /no space|ENOSPC|disk (is )?full|quota|permi|EACCES|EPERM|read-?only|memory|locked/i

export function stateError({ path, cause, command, loss }: StateFault): Error {
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (otherFault.test(reason)) return new Error(`${path} cannot be opened: ${printable(reason)}`)
  return new Error(
    `${path} is damaged: ${printable(reason)}
Restore a copy of it, or start without it (${loss}):
  ${command}`,
  )
}

export function quote(path: string): string {
  return /^[\w./:\\-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}

/** Replaces control characters and undecodable bytes, which an error may quote from a damaged file. */
function printable(text: string) {
  return text.replace(/[\p{C}\uFFFD]/gu, '?')
}
