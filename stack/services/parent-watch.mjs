// Loaded into a child process (`node --import`): answers the parent's pings, and sends the process
// SIGTERM when its parent exits, even if the parent was killed. The child then notices that the IPC
// channel between them has closed.
import { url as inspectorUrl } from 'node:inspector'
import process from 'node:process'

if (process.channel) {
  process.once('disconnect', stop)
  process.on('message', answer)
  // The listeners must not keep an otherwise finished process alive.
  process.channel.unref()
}

// Without a listener, Node prints the line of code that threw, which may be a minified package.
process.on('uncaughtException', (error) => {
  console.error(error)
  process.exit(1)
})

function answer(message) {
  if (message?.natter !== 'ping') return
  const isDebugged = inspectorUrl() !== undefined
  process.send?.({ natter: 'alive', isDebugged }, undefined, undefined, () => {})
}

function stop() {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.exit(1), 15_000).unref()
}
