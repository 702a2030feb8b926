// Loaded into a child process (`node --import`): sends it SIGTERM when its parent exits, even if the
// parent was killed. The child then notices that the IPC channel between them has closed.
import process from 'node:process'

if (process.channel) {
  process.once('disconnect', stop)
  // The listener must not keep an otherwise finished process alive.
  process.channel.unref()
}

function stop() {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.exit(1), 15_000).unref()
}
