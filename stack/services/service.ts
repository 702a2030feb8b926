import type { LogFile } from './log-file.ts'

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A part of a stack, such as nats-server. */
export interface StackService extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** Stops the service, or kills it after a time limit. */
  stop(): Promise<void>
}

export interface ProcessService extends StackService {
  /** Undefined while the process does not run. */
  readonly pid: number | undefined
  /** Resolves when the running process exits for any reason. A restart sets a new promise. */
  readonly exited: Promise<Exit>
  /** The output of the process, and of the processes before each restart. */
  readonly log: LogFile
  /** A running process that gives no sign of life for this long, in milliseconds, is hung. */
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
  /** Called at each start and restart of the process, before it is ready. */
  onSpawn?: (name: string, pid: number) => void
}
