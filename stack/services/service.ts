import type { LogFile } from './log-file.ts'

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface StackService extends AsyncDisposable {
  readonly name: string
  readonly url: string
  stop(): Promise<void>
}

export interface ProcessService extends StackService {
  readonly pid: number | undefined
  /** Resolves when the running process exits for any reason. Each restart sets a new promise. */
  readonly exited: Promise<Exit>
  /** The output of the process. A restarted process appends its output to the same file. */
  readonly log: LogFile
  readonly hungAfterMs: number
  /**
   * Asks the process for a sign of life every second. Resolves to true when it is hung, to false when
   * the signal aborts. A process with a debugger is never hung.
   */
  untilHung(signal: AbortSignal): Promise<boolean>
  /** Sends a signal; after SIGKILL, also waits for the exit. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Stops the service if it runs, and starts it with the same ports. */
  restart(): Promise<void>
}

export interface ServiceOptions {
  /** The folder of the service's data. Its log is `logs/NAME.log` in this folder. */
  dir: string
  onSpawn?: (name: string, pid: number) => void
}
