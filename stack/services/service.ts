import type { LogFile } from './log-file.ts'

/** How a process exited: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A part of a stack. It runs from its start until it is stopped. */
export interface StackService extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /**
   * Stops the service and waits until it has exited; kills it after a time limit. A second call does
   * nothing.
   */
  stop(): Promise<void>
}

/** A service that is a process of its own. */
export interface ProcessService extends StackService {
  /** Id of the running process; undefined while it does not run. */
  readonly pid: number | undefined
  /** Resolves when the running process exits for any reason. A restart sets a new promise. */
  readonly exited: Promise<Exit>
  /** The output of the process and of its predecessors since the first start of the service. */
  readonly log: LogFile
  /** Sends a signal; after SIGKILL, also waits for the exit. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Stops the service if it runs, and starts it with the same ports. Resolves when it is ready. */
  restart(): Promise<void>
}

/** The options of every process service. */
export interface ServiceOptions {
  /** The folder of the service's data. Its log is `logs/NAME.log` in this folder. */
  dir: string
  /** Called as soon as a process has started, to record its pid in case the current process is killed. */
  onSpawn?: (name: string, pid: number) => void
}
