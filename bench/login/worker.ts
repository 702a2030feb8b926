import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LoopOptions, type LoopResult, loop } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { signTokens } from './issuer.ts'
import { type ResponderName, type ResponderOptions, respond } from './responders.ts'

const retryDelayMs = 250

interface RunOptions extends LoopOptions {
  port: number
  /** If false, a rejected login ends the run. */
  mayReject: boolean
}

let tokens: string[] = []
let nextToken = 0

serveParent({
  respond: ({ name, options }: { name: ResponderName; options: ResponderOptions }) =>
    respond(name, options),
  cpu: usedCpu,
  createTokens({ issuer, privateKeyPem }: { issuer: string; privateKeyPem: string }) {
    tokens = signTokens(issuer, privateKeyPem, 64)
  },
  run,
  storm,
})

async function run({ port, mayReject, ...options }: RunOptions): Promise<LoopResult> {
  let rejected = 0
  const result = await loop(options, async () => {
    try {
      const socket = await logIn(port)
      socket.destroy()
    } catch (error) {
      if (!mayReject) throw error
      rejected++
    }
  })
  return { ...result, count: result.count - rejected }
}

async function storm({ port, clients }: { port: number; clients: number }) {
  let failures = 0
  async function connectWithRetry(): Promise<Socket> {
    for (;;) {
      try {
        return await logIn(port)
      } catch {
        failures++
        await sleep(retryDelayMs)
      }
    }
  }
  const started = performance.now()
  const sockets = await Promise.all(Array.from({ length: clients }, connectWithRetry))
  const seconds = (performance.now() - started) / 1_000
  await Promise.all(sockets.map((socket) => once(socket.destroy(), 'close')))
  return { seconds, failures }
}

function logIn(port: number): Promise<Socket> {
  const connected = Promise.withResolvers<Socket>()
  const token = tokens[nextToken++ % tokens.length]
  const socket = connect(port, '127.0.0.1')
  let received = ''
  let hasSentConnect = false
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
    if (!hasSentConnect && received.includes('\r\n')) {
      hasSentConnect = true
      const options = { auth_token: token, verbose: false, pedantic: false, protocol: 1 }
      socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`)
    }
    if (received.includes('PONG\r\n')) connected.resolve(socket)
    else if (received.includes('-ERR')) socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () =>
    connected.reject(new Error(`The server closed the connection: ${received.slice(-200)}`)),
  )
  return connected.promise
}
