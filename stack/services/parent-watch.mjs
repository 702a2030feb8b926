// Sends SIGTERM to this process when its parent exits or is killed, because the IPC channel to the
// parent then closes. Loaded with `node --import`.
import process from 'node:process'

if (process.channel) {
  process.once('disconnect', stop)
  // The IPC channel must not keep an otherwise finished process alive.
  process.channel.unref()
}

function stop() {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.exit(1), 15_000).unref()
}
