// This file is loaded into a child process (`node --import`). It answers the pings of the parent
// process. When the parent exits, even by SIGKILL, the IPC channel closes, and this file sends
// SIGTERM to its own process.
import { url as inspectorUrl } from 'node:inspector'
import process from 'node:process'

if (process.channel) {
  process.once('disconnect', stop)
  process.on('message', answer)
  // The open channel must not keep a process alive that has nothing else to do.
  process.channel.unref()
}

// Without this listener, Node would also print the line of code that threw, which may be a long
// line of a minified package.
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
