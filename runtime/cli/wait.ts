import { type Command, InvalidArgumentError } from 'commander'

export interface WaitOptions {
  wait?: number
}

/** The option of how long to gather answers. */
export function addWait(command: Command): Command {
  return command.option(
    '--wait <ms>',
    'gather answers for so long, rather than until none has come for 150 ms',
    readMs,
  )
}

/** Reads a time in milliseconds, as commander wants its parsers. */
export function readMs(text: string): number {
  const ms = Number(text)
  if (Number.isInteger(ms) && ms > 0 && ms <= 3_600_000) return ms
  throw new InvalidArgumentError('Give whole milliseconds, from 1 to 3600000.')
}
