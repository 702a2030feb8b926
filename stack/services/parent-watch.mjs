// Loaded into a child process (`node --import`): sends it SIGTERM when its parent exits, also if the
// parent was killed. The closed channel between them is the sign.
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
