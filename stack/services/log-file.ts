import { closeSync, mkdirSync, openSync, readSync, statSync, watch, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * A file with the output of a process. The process writes to the file itself, without a pipe to its
 * parent, so that it can write even after the parent has exited.
 */
export interface LogFile {
  readonly path: string
  /** Returns the length of the file in bytes, which is the offset of the next line. */
  end(): number
  tail(lines?: number): string
  read(from: number): string
  follow(from: number, onLine: (line: string) => void, signal: AbortSignal): void
  /**
   * Resolves to the first line from the byte offset `from` on (default: 0) that matches, and waits
   * until there is one. Throws an error with the end of the log after `within` milliseconds
   * (default: 5,000).
   */
  line(
    pattern: RegExp,
    options?: { from?: number; within?: number; signal?: AbortSignal },
  ): Promise<string>
}

const maxLineLength = 500

export function createLogFile(path: string): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, '', { mode: 0o600 })

  const log: LogFile = {
    path,
    end: () => statSync(path).size,
    read: (from) => readFrom(path, from).toString(),
    tail(lines = 20) {
      const text = readFrom(path, Math.max(0, log.end() - 64_000)).toString()
      const last = text.split('\n').filter(Boolean).slice(-lines)
      return last.map(shorten).join('\n')
    },
    follow(from, onLine, signal) {
      let position = from
      const read = () => {
        if (signal.aborted) return
        const bytes = readFrom(path, position)
        const complete = bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
        position += complete.length
        for (const line of complete.toString().split('\n').slice(0, -1)) onLine(line)
      }
      const watcher = watch(path, read)
      // Also polls, because some file systems, such as shared folders, send no change events.
      const timer = setInterval(read, 500).unref()
      const stop = () => {
        watcher.close()
        clearInterval(timer)
      }
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      read()
    },
    async line(pattern, { from = 0, within = 5000, signal } = {}) {
      const found = Promise.withResolvers<string>()
      const done = new AbortController()
      const timer = setTimeout(() => {
        const error = `No line of ${path} matched ${pattern} within ${within} ms. It ends:\n${log.tail()}`
        found.reject(new Error(error))
      }, within)
      const abort = () => found.reject(signal?.reason)
      signal?.addEventListener('abort', abort)
      log.follow(from, (line) => pattern.test(line) && found.resolve(line), done.signal)
      try {
        return await found.promise
      } finally {
        done.abort()
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
    },
  }
  return log
}

/**
 * Shortens a long line, such as minified code. JSON lines stay whole, so that they can be parsed.
 */
function shorten(line: string) {
  return line.length <= maxLineLength || line.startsWith('{')
    ? line
    : `${line.slice(0, maxLineLength)} …`
}

function readFrom(path: string, position: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, statSync(path).size - position))
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, position))
  } finally {
    closeSync(file)
  }
}
