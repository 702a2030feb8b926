import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { InputOf, OutputOf } from '#runtime'
import { type Client, createClient, isCallError } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { type MessageId, type RoomId, readNotifyId, type UserId } from '#schema/ids'
import type { Notice, Placed } from '#schema/messages/log'
import type { Frame, Shown } from './evidence.ts'

export type Name = keyof typeof contracts

export interface Person {
  user: UserId
  client: Client<typeof contracts>
  /** All that came without being asked for. */
  frames: Frame[]
  /** Asks; what was refused is a value. Also counts what came of it. */
  ask<N extends Name>(name: N, input: InputOf<(typeof contracts)[N]>): Promise<Outcome<N>>
  /** What they know of a room, brought up to date; undefined where they do not belong to it. */
  readRoom(room: RoomId): Promise<Map<MessageId, Shown> | undefined>
  /** Loses the connection and finds it again. */
  reconnect(): Promise<void>
  close(): Promise<void>
}

export type Outcome<N extends Name> =
  | { ok: true; value: OutputOf<(typeof contracts)[N]> }
  | { ok: false; code: string }

/** Why an answer says nothing about whether something was done. */
const unknown = new Set(['timeout', 'disconnected', 'unavailable', 'internal', 'overloaded'])

export function isUnknown(code: string): boolean {
  return unknown.has(code)
}

export interface PersonOptions {
  user: UserId
  url: string
  token: string
  /** Told of each answer: `send ok`, `send forbidden`. */
  count: (what: string) => void
}

/** Somebody with a chat in front of them, who keeps all that they see. */
export async function connectPerson({ user, url, token, count }: PersonOptions): Promise<Person> {
  const nc = await connect({
    servers: url,
    token,
    inboxPrefix: `_INBOX_${user}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    ignoreAuthErrorAbort: true,
  })
  const client = createClient(nc, { contracts, user })
  const frames: Frame[] = []
  const views = new Map<RoomId, { asOf: number; messages: Map<MessageId, Shown> }>()
  keepFrames(nc, user, frames)

  const person: Person = {
    user,
    client,
    frames,
    async ask(name, input) {
      try {
        const value = await client.call(name, input, { timeoutMs: 4_000 })
        count(`${name} ok`)
        return { ok: true, value }
      } catch (error) {
        if (!isCallError(error)) throw error
        count(`${name} ${error.code}`)
        return { ok: false, code: error.code }
      }
    },
    async readRoom(room) {
      const view = views.get(room)
      const missed = view && (await person.ask('chat.sync', { room, since: view.asOf }))
      if (missed && !missed.ok) return undefined
      if (view && missed?.value.recovered) {
        for (const placed of missed.value.events) show(view.messages, placed)
        view.asOf = missed.value.events.at(-1)?.seq ?? view.asOf
        return view.messages
      }
      const read = await readHistory(person, room)
      if (read) views.set(room, read)
      return read?.messages
    },
    async reconnect() {
      await nc.reconnect().catch(() => undefined)
    },
    async close() {
      client.close()
      await nc.close()
    },
  }
  return person
}

/** The whole of a room, its threads included. */
async function readHistory(person: Person, room: RoomId) {
  const messages = new Map<MessageId, Shown>()
  const threads: MessageId[] = []
  let asOf: number | undefined
  const readAll = async (threadId?: MessageId): Promise<boolean> => {
    for (let after = 0; ; ) {
      const page =
        threadId === undefined
          ? await person.ask('chat.history', { room, after, limit: 100 })
          : await person.ask('chat.history.thread', { room, threadId, after, limit: 100 })
      if (!page.ok) return false
      // What comes after the first page began to be read is for the next look.
      asOf ??= page.value.asOf
      for (const { id, seq, text, deletedAt, replies } of page.value.messages) {
        messages.set(id, { text, isDeleted: deletedAt !== undefined })
        if (replies && threadId === undefined) threads.push(id)
        after = seq
      }
      if (!page.value.after) return true
    }
  }
  if (!(await readAll())) return undefined
  for (const thread of threads) if (!(await readAll(thread))) return undefined
  return { asOf: asOf ?? 0, messages }
}

/** Puts an event in its place, as a client does. */
function show(messages: Map<MessageId, Shown>, { event }: Placed) {
  if (event.kind === 'message') {
    if (!messages.has(event.id)) messages.set(event.id, { text: event.text, isDeleted: false })
    return
  }
  if (!('message' in event)) return
  const { id } = readNotifyId(event.message.notifyId)
  if (event.kind === 'delete') messages.set(id, { text: '', isDeleted: true })
  const shown = messages.get(id)
  if (event.kind === 'edit' && shown && !shown.isDeleted) shown.text = event.text
}

/** All that the server lets them hear, as it comes over the wire. */
function keepFrames(nc: NatsConnection, user: UserId, frames: Frame[]) {
  for (const subject of [`deliver.${user}.>`, 'room.notify.*', 'room.presence.*', 'room.typing.*'])
    nc.subscribe(subject, {
      callback(_error, message) {
        // What they say themselves is within what they may hear.
        if (message.subject.startsWith(`deliver.${user}.send.`)) return
        const room = message.subject.split('.').at(subject.startsWith('room') ? 2 : 3) as RoomId
        const at = Date.now()
        const isNotice = /(^room|\.\w+)\.notify\./.test(message.subject)
        const frame: Frame = { user, room, at, subject: message.subject }
        frames.push(isNotice ? { ...frame, notice: { ...message.json<Notice>(), room } } : frame)
        // Whatever the subject says, the text says where it was written.
        for (const [, written] of message.string().matchAll(/\[in ([\w-]+)\]/g))
          if (written !== room) frames.push({ ...frame, room: written as RoomId })
      },
    })
}
