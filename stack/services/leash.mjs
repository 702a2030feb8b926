// Loaded into a child (`node --import`) so that it stops, as if asked to, when the process that
// started it is gone: killed, it can no longer ask. The channel between them tells.
import process from 'node:process'

if (process.channel) {
  process.once('disconnect', stop)
  // Listening must not keep a process alive that has nothing else to do.
  process.channel.unref()
}

function stop() {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.exit(1), 15_000).unref()
}
