import type { Socket } from 'node:net'
import { createScram } from './scram.ts'

const loginMs = 5000
const maxMessageBytes = 10_000
const codes = { startup: 196_608, ssl: 80_877_103, gss: 80_877_104 }

/**
 * Returns a function that checks the user and password of a PostgreSQL client, because PGlite
 * itself accepts any. After a successful login, it puts the client's start-up message back as the
 * next bytes of the socket, for PGlite to read, and resolves to true. Otherwise it destroys the
 * socket and resolves to false.
 */
export function createLogin(user: string, password: string): (socket: Socket) => Promise<boolean> {
  const beginScram = createScram(password)

  return async (socket) => {
    const timer = setTimeout(() => socket.destroy(), loginMs)
    socket.on('error', ignore)
    try {
      const startup = await readStartup(socket)
      const scram = beginScram()
      socket.write(authentication(10, 'SCRAM-SHA-256\0\0'))
      socket.write(authentication(11, scram.first(initialResponse(await readMessage(socket)))))
      const verifier = scram.last((await readMessage(socket)).toString())
      if (!verifier || userOf(startup) !== user) {
        socket.end(failure(`password authentication failed for user "${userOf(startup)}"`))
        return false
      }
      socket.write(authentication(12, verifier))
      socket.unshift(startup)
      return true
    } catch {
      // The client has disconnected or does not speak the protocol.
      socket.destroy()
      return false
    } finally {
      clearTimeout(timer)
      socket.off('error', ignore)
    }
  }
}

/**
 * Reads the start-up message. Declines requests for encryption, after which the client continues
 * without it.
 */
async function readStartup(socket: Socket): Promise<Buffer> {
  for (;;) {
    const length = await readBytes(socket, 4)
    const body = await readBytes(socket, length.readInt32BE() - 4)
    const code = body.readInt32BE()
    if (code === codes.startup) return Buffer.concat([length, body])
    if (code !== codes.ssl && code !== codes.gss) throw new Error(`Unknown request ${code}`)
    socket.write('N')
  }
}

async function readMessage(socket: Socket): Promise<Buffer> {
  const header = await readBytes(socket, 5)
  if (header.toString('latin1', 0, 1) !== 'p') throw new Error('Not a password message')
  return readBytes(socket, header.readInt32BE(1) - 4)
}

async function readBytes(socket: Socket, count: number): Promise<Buffer> {
  if (count <= 0 || count > maxMessageBytes) throw new Error(`A message has ${count} bytes`)
  for (;;) {
    const bytes: Buffer | null = socket.read(count)
    if (bytes && bytes.length === count) return bytes
    if (bytes || socket.readableEnded || socket.destroyed)
      throw new Error('The client disconnected')
    await moreBytes(socket)
  }
}

function moreBytes(socket: Socket) {
  return new Promise<void>((resolve) => {
    const done = () => {
      socket.off('readable', done).off('close', done)
      resolve()
    }
    socket.on('readable', done).on('close', done)
  })
}

/**
 * Returns the client's first SCRAM message from a body of the form `mechanism NUL length message`.
 */
function initialResponse(body: Buffer): string {
  const end = body.indexOf(0)
  if (body.toString('utf8', 0, end) !== 'SCRAM-SHA-256') throw new Error('Unknown mechanism')
  return body.toString('utf8', end + 5)
}

function userOf(startup: Buffer): string | undefined {
  const parameters = startup.toString('utf8', 8).split('\0')
  const index = parameters.findIndex((name, index) => index % 2 === 0 && name === 'user')
  return index < 0 ? undefined : parameters[index + 1]
}

function authentication(kind: number, text: string): Buffer {
  const body = Buffer.from(`....${text}`)
  body.writeInt32BE(kind)
  return message('R', body)
}

function failure(text: string): Buffer {
  return message('E', Buffer.from(`SFATAL\0VFATAL\0C28P01\0M${text}\0\0`))
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.from(`${type}....`)
  header.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}

function ignore() {}
