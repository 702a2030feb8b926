import {
  contractSubject,
  pushHeader,
  replyHeader,
  replySubject,
} from '../../runtime/api/contract.ts'
import { parseSubject } from '../../runtime/api/subject.ts'
import { writeMessage } from '../../runtime/client/client.ts'
import { contracts, topics } from '../../schema/contracts.ts'
import type { Notice, PlacedEvent } from '../../schema/messages/event.ts'
import {
  type Client,
  createPending,
  openSocket,
  pageSize,
  repeats,
  type Target,
  tokenOf,
} from './client.ts'

type Name = keyof typeof contracts

interface Message {
  subject: string
  headers: string
  payload: Buffer
}

/**
 * The driver subscribes to the same topics as the page: `ownTopics` for the user, and `roomTopics`
 * for each public room.
 */
const ownTopics = [
  topics.deliverNotify,
  topics.deliverRoomKey,
  topics.deliverInvitation,
  topics.deliverPrefs,
  topics.deliverPresence,
  topics.deliverTyping,
  topics.deliverRead,
  topics.deliverReadThread,
  topics.deliverTranslation,
]
const roomTopics = [topics.roomPresence, topics.roomTyping, topics.roomNotify]

const attempts = 5

/**
 * Logs in, and retries up to four times after the error `Authorization Violation`. All tokens are
 * valid, so this error means that the auth callout did not answer in time. The page also retries
 * such a login, but it waits before each retry.
 */
export async function connectNatter(target: Target, user: string): Promise<Client> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await logIn(target, user)
    } catch (error) {
      if (left === 0 || !String(error).includes('Authorization Violation')) throw error
      repeats.count++
    }
  }
}

/**
 * Speaks the protocol of NATS without nats.js. A connection of nats.js would cost the driver more
 * processor time than a connection to another server.
 */
async function logIn(target: Target, user: string): Promise<Client> {
  const session = crypto.randomUUID().slice(0, 8)
  const replies = replySubject(user, session)
  const pending = createPending<Message>()
  let pong = Promise.withResolvers<void>()
  let onNotice: (message: Message) => void = () => {}
  const read = createReader({
    onMessage(message) {
      if (!message.subject.startsWith(replies)) return onNotice(message)
      const id = message.subject.slice(replies.length + 1)
      const isError = message.headers.includes('Nats-Service-Error-Code')
      pending.settle(id, isError ? new Error(message.payload.toString()) : message)
    },
    onLine(line) {
      if (line === 'PING') socket.send('PONG\r\n')
      else if (line === 'PONG') pong.resolve()
      else if (line.startsWith('-ERR')) {
        const error = new Error(`nats-server: ${line}`)
        pong.reject(error)
        pending.fail(error)
      }
    },
  })
  const socket = await openSocket(target.url, read)
  let subscriptions = 0
  const subscribe = (subject: string) => socket.send(`SUB ${subject} ${++subscriptions}\r\n`)
  const options = { verbose: false, headers: true, no_responders: true, protocol: 1, lang: 'bench' }
  const connect = { ...options, version: '1', auth_token: tokenOf(target, user) }
  socket.send(`CONNECT ${JSON.stringify(connect)}\r\n`)
  subscribe(`${replies}.*`)
  await flush()

  /**
   * Resolves when the NATS server has processed everything that was sent before on this connection.
   */
  function flush() {
    pong = Promise.withResolvers()
    socket.send('PING\r\n')
    return pong.promise
  }

  /**
   * Calls a function, and retries up to four times after a transient error. The driver calls only
   * idempotent functions. The page also retries such calls, but it waits before each retry.
   */
  async function call<Output>(name: Name, input: object): Promise<Output> {
    for (let left = attempts - 1; ; left--) {
      try {
        return await callOnce<Output>(name, input)
      } catch (error) {
        const isTransient = /"code":"(timeout|unavailable|overloaded)"/.test(String(error))
        if (left === 0 || !isTransient) throw error
        repeats.count++
      }
    }
  }

  async function callOnce<Output>(name: Name, input: object): Promise<Output> {
    const { subject, payload } = writeMessage(contractSubject(contracts[name]), input, user)
    const { id, response } = pending.add()
    const headers = `NATS/1.0\r\n${replyHeader}: ${session}.${id}\r\n\r\n`
    const total = headers.length + Buffer.byteLength(payload)
    const head = `HPUB ${subject} ${replies}.${id} ${headers.length} ${total}`
    socket.send(`${head}\r\n${headers}${payload}\r\n`)
    return JSON.parse((await response).payload.toString())
  }

  let last = 0
  return {
    position: () => last,
    join: (room) => call('room.join', { room }),
    async follow(room, onText, since) {
      const asOf = Number(since ?? 0)
      // Holds all received sequence numbers, not only the highest. Notices can arrive out of order,
      // because several processes publish them.
      const received = new Set<number>()
      const notices: Notice[] = []
      let receive = (notice: Notice): void => void notices.push(notice)
      onNotice = ({ headers, payload }) => {
        if (!headers.includes(pushHeader)) return
        const notice: Notice = JSON.parse(payload.toString())
        if (notice.event?.kind === 'message') receive(notice)
      }
      const pass = (seq: number, text: string) => {
        if (seq <= asOf || received.has(seq)) return
        received.add(seq)
        last = Math.max(last, seq)
        onText(text)
      }
      for (const { subject } of ownTopics) subscribe(parseSubject(subject).narrow({ user }))
      for (const { subject } of roomTopics) subscribe(parseSubject(subject).narrow({ room }))
      await flush()
      if (since !== undefined) {
        const answer = await call<{ recovered: boolean; events: PlacedEvent[] }>('chat.sync', {
          room,
          since: asOf,
        })
        if (!answer.recovered) throw new Error(`chat.sync did not recover ${room}`)
        for (const { seq, event } of answer.events)
          if (event.kind === 'message') pass(seq, event.text)
      }
      last = Math.max(last, asOf)
      receive = ({ seq, event }) => {
        if (event?.kind === 'message') pass(seq, event.text)
      }
      for (const notice of notices) receive(notice)
    },
    send: (room, text) => call('send', { room, clientId: text.slice(0, 36), text }),
    async readPage(room) {
      const page = await call<{ messages: unknown[] }>('chat.history', { room, limit: pageSize })
      return page.messages.length
    },
    cut: () => socket.terminate(),
  }
}

/** Returns a function that parses the NATS protocol from chunks of any size. */
function createReader(events: { onMessage(message: Message): void; onLine(line: string): void }) {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  return (chunk: Buffer) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let at = 0
    for (let end = data.indexOf('\r\n'); end >= 0; end = data.indexOf('\r\n', at)) {
      const line = data.toString('latin1', at, end)
      const start = end + 2
      if (!/^H?MSG /.test(line)) {
        events.onLine(line)
        at = start
        continue
      }
      const [verb, subject = '', ...sizes] = line.split(' ')
      const stop = start + Number(sizes.at(-1))
      if (data.length < stop + 2) break
      const body = verb === 'HMSG' ? start + Number(sizes.at(-2)) : start
      const headers = data.toString('latin1', start, body)
      events.onMessage({ subject, headers, payload: data.subarray(body, stop) })
      at = stop + 2
    }
    rest = data.subarray(at)
  }
}
