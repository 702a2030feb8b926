import { connect } from '@nats-io/transport-node'
import type { InputOf, OutputOf } from '#runtime'
import { type Client, createClient, isCallError } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import type { Frame } from './evidence.ts'
import { createView, type View, type Ways } from './view.ts'
import { keepFrames } from './wire.ts'

type Contracts = typeof contracts
export type Name = keyof Contracts

export type Outcome<N extends Name> =
  | { ok: true; value: OutputOf<Contracts[N]> }
  | { ok: false; code: string }

/** Asks; what was refused is a value. */
export type Ask = <N extends Name>(name: N, input: InputOf<Contracts[N]>) => Promise<Outcome<N>>

export interface Person {
  user: UserId
  client: Client<Contracts>
  ask: Ask
  /** Their rooms, as they have them in front of them. */
  views: Map<RoomId, View>
  /** Those of rooms that they went from, as they were. */
  past: View[]
  /** Begins to follow a room. */
  follow(room: RoomId): View
  /** Loses the connection and finds it again. */
  reconnect(): Promise<void>
  /** Resolves when everything has come that was sent to them before. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface PersonOptions {
  user: UserId
  url: string
  token: string
  /** How long they wait for an answer, in milliseconds. */
  patienceMs: number
  ways: Ways
  keep: (frame: Frame) => void
  /** Told of each answer: `ok`, or the code of a refusal. */
  count: (name: Name, code: string, reason?: string) => void
}

/** Why an answer says nothing about whether something was done. */
const unknown = new Set(['timeout', 'disconnected', 'unavailable', 'internal', 'overloaded'])

export function isUnknown(code: string): boolean {
  return unknown.has(code)
}

/** Somebody with a chat in front of them. */
export async function connectPerson(options: PersonOptions): Promise<Person> {
  const { user, url, token, patienceMs, ways, keep, count } = options
  const nc = await connect({
    servers: url,
    token,
    inboxPrefix: `_INBOX_${user}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    ignoreAuthErrorAbort: true,
  })
  keepFrames(nc, user, hear)
  const client = createClient(nc, { contracts, user })
  const views = new Map<RoomId, View>()
  const past: View[] = []

  const ask: Ask = async (name, input) => {
    try {
      const value = await client.call(name, input, { timeoutMs: patienceMs })
      count(name, 'ok')
      return { ok: true, value }
    } catch (error) {
      if (!isCallError(error)) throw error
      count(name, error.code, error.message)
      return { ok: false, code: error.code }
    }
  }

  function follow(room: RoomId): View {
    const known = views.get(room)
    if (known && !known.isClosed) return known
    const view = createView(room, ask, ways)
    views.set(room, view)
    return view
  }

  function unfollow(room: RoomId) {
    const view = views.get(room)
    if (!view) return
    view.close()
    views.delete(room)
    past.push(view)
  }

  function hear(frame: Frame) {
    keep(frame)
    const { notice, subject } = frame
    if (!notice) return
    const { room, event } = notice
    const isMine = event?.kind === 'member' && event.userId === user
    if (isMine && (event.action === 'leave' || event.action === 'kick')) return unfollow(room)
    if (event?.kind === 'room' && event.action === 'archive') return unfollow(room)
    // What is told to them alone is told because they belong there.
    if (subject.startsWith('deliver.') || (isMine && event.action === 'join')) follow(room)
    views.get(room)?.hear(notice)
  }

  return {
    user,
    client,
    ask,
    views,
    past,
    follow,
    async reconnect() {
      await nc.reconnect().catch(() => undefined)
      // Nobody tells them what they missed meanwhile.
      await Promise.all([...views.values()].map((view) => view.catchUp()))
    },
    flush: () => nc.flush(),
    async close() {
      client.close()
      await nc.close()
    },
  }
}
