import type { LogFile } from './log-file.ts'

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** Something a stack is made of. It runs from when it was started until it is stopped. */
export interface Service extends AsyncDisposable {
  readonly name: string
  /** Where it is reached. */
  readonly url: string
  /** Asks it to end, and waits until it has; kills it when it takes too long. Again: no effect. */
  stop(): Promise<void>
}

/** A part that is a process of its own. */
export interface ProcessService extends Service {
  /** The process; undefined while there is none. */
  readonly pid: number | undefined
  /** Resolves when the present process ends, however it ends; a restart begins a new one. */
  readonly exited: Promise<Exit>
  /** What it prints, and its predecessors since the part was started. */
  readonly log: LogFile
  /** Sends a signal and, if it is SIGKILL, waits for the end. For fault tests. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Stops it if it runs, and starts it again where it was. Resolves when it is ready. */
  restart(): Promise<void>
}

/** What every process part can be told. */
export interface ServiceOptions {
  /** The folder of its data; its log is `logs/NAME.log` in it. */
  dir: string
  /** Is told of every process that is started, at once: so that it can be found if this one dies. */
  onSpawn?: (name: string, pid: number) => void
}
