/** The processes of the section: one that answers logins, or one that logs in. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LoopOptions, type LoopResult, loop } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { signTokens } from './issuer.ts'
import { type ResponderName, respond, type Setting } from './responders.ts'

/** How long a refused client waits before it tries again, in milliseconds. */
const retryMs = 250

interface RunOptions extends LoopOptions {
  port: number
  /** Whether a refusal is a figure like any other. Otherwise it is a fault of the bench. */
  mayRefuse: boolean
}

let tokens: string[] = []
let turn = 0

serveParent({
  respond: ({ name, setting }: { name: ResponderName; setting: Setting }) => respond(name, setting),
  cpu: usedCpu,
  prepare({ issuer, privateKeyPem }: { issuer: string; privateKeyPem: string }) {
    tokens = signTokens(issuer, privateKeyPem, 64)
  },
  run,
  storm,
})

/** Logs in and leaves, again and again. Counts those who were let in, if some may be refused. */
async function run({ port, mayRefuse, ...options }: RunOptions): Promise<LoopResult> {
  let refused = 0
  const result = await loop(options, async () => {
    try {
      const socket = await logIn(port)
      socket.destroy()
    } catch (error) {
      if (!mayRefuse) throw error
      refused++
    }
  })
  return { ...result, count: result.count - refused }
}

/** So many connect at once, and try again until all are in. */
async function storm({ port, clients }: { port: number; clients: number }) {
  let failures = 0
  async function persist(): Promise<Socket> {
    for (;;) {
      try {
        return await logIn(port)
      } catch {
        failures++
        await sleep(retryMs)
      }
    }
  }
  const started = performance.now()
  const sockets = await Promise.all(Array.from({ length: clients }, persist))
  const seconds = (performance.now() - started) / 1_000
  await Promise.all(sockets.map((socket) => once(socket.destroy(), 'close')))
  return { seconds, failures }
}

/** The least a client does: INFO, CONNECT, PING, PONG. Rejects with what the server says instead. */
function logIn(port: number): Promise<Socket> {
  const connected = Promise.withResolvers<Socket>()
  const token = tokens[turn++ % tokens.length]
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  let hasAnswered = false
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    heard += text
    if (!hasAnswered && heard.includes('\r\n')) {
      hasAnswered = true
      const options = { auth_token: token, verbose: false, pedantic: false, protocol: 1 }
      socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`)
    }
    if (heard.includes('PONG\r\n')) connected.resolve(socket)
    else if (heard.includes('-ERR')) socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => connected.reject(new Error(`Not let in: ${heard.slice(-200)}`)))
  return connected.promise
}
