import { type Command, InvalidArgumentError } from 'commander'

export interface WaitOptions {
  wait?: number
}

export function addWait(command: Command): Command {
  return command.option(
    '--wait <ms>',
    'collect answers for this many milliseconds, instead of until none has arrived for 150 ms',
    readMs,
  )
}

export function readMs(text: string): number {
  const ms = Number(text)
  if (Number.isInteger(ms) && ms > 0 && ms <= 3_600_000) return ms
  throw new InvalidArgumentError('Give whole milliseconds, from 1 to 3600000.')
}
