import { connect } from '@nats-io/transport-node'
import type { InputOf, OutputOf } from '#runtime'
import { type Client, createClient, isCallError } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import type { Frame } from './evidence.ts'
import { recordFrames } from './frame-recorder.ts'
import { createUserRoomView, type DeliveryCounts, type UserRoomView } from './user-room-view.ts'

type Contracts = typeof contracts
export type FunctionName = keyof Contracts

export type CallOutcome<N extends FunctionName> =
  | { ok: true; value: OutputOf<Contracts[N]> }
  | { ok: false; code: string }

export type CallFunction = <N extends FunctionName>(
  name: N,
  input: InputOf<Contracts[N]>,
) => Promise<CallOutcome<N>>

export interface SimulatedUser {
  userId: UserId
  client: Client<Contracts>
  call: CallFunction
  views: Map<RoomId, UserRoomView>
  pastViews: UserRoomView[]
  follow(room: RoomId): UserRoomView
  reconnect(): Promise<void>
  /** Resolves when all messages that the server has sent so far have been received. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface SimulatedUserOptions {
  userId: UserId
  urls: string[]
  token: string
  timeoutMs: number
  deliveries: DeliveryCounts
  onFrame: (frame: Frame) => void
  onAnswer: (name: FunctionName, code: string, reason?: string) => void
}

/** Calls that fail with these codes may or may not have taken effect. */
const indeterminateCodes = new Set([
  'timeout',
  'disconnected',
  'unavailable',
  'internal',
  'overloaded',
])

export function isIndeterminate(code: string): boolean {
  return indeterminateCodes.has(code)
}

export async function connectSimulatedUser(options: SimulatedUserOptions): Promise<SimulatedUser> {
  const { userId, urls, token, timeoutMs, deliveries, onFrame, onAnswer } = options
  const nc = await connect({
    servers: urls,
    token,
    pingInterval: 3_000,
    inboxPrefix: `_INBOX_${userId}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    ignoreAuthErrorAbort: true,
  })
  recordFrames(nc, userId, receive)
  const client = createClient(nc, { contracts, user: userId })
  const views = new Map<RoomId, UserRoomView>()
  const pastViews: UserRoomView[] = []

  const call: CallFunction = async (name, input) => {
    try {
      const value = await client.call(name, input, { timeoutMs })
      onAnswer(name, 'ok')
      return { ok: true, value }
    } catch (error) {
      if (!isCallError(error)) throw error
      onAnswer(name, error.code, error.message)
      return { ok: false, code: error.code }
    }
  }

  function follow(room: RoomId): UserRoomView {
    const existing = views.get(room)
    if (existing && !existing.isClosed) return existing
    const view = createUserRoomView(room, call, deliveries)
    views.set(room, view)
    return view
  }

  function unfollow(room: RoomId) {
    const view = views.get(room)
    if (!view) return
    view.close()
    views.delete(room)
    pastViews.push(view)
  }

  function receive(frame: Frame) {
    onFrame(frame)
    const { notice, subject } = frame
    if (!notice) return
    const { room, event } = notice
    const isOwnMembership = event?.kind === 'member' && event.userId === userId
    if (isOwnMembership && (event.action === 'leave' || event.action === 'kick'))
      return unfollow(room)
    if (event?.kind === 'room' && event.action === 'archive') return unfollow(room)
    // An event on `deliver.{user}` shows that the user is a member of its room.
    if (subject.startsWith('deliver.') || (isOwnMembership && event.action === 'join')) follow(room)
    views.get(room)?.receive(notice)
  }

  return {
    userId,
    client,
    call,
    views,
    pastViews,
    follow,
    async reconnect() {
      await nc.reconnect().catch(() => undefined)
      await Promise.all([...views.values()].map((view) => view.catchUp()))
    },
    flush: () => nc.flush(),
    async close() {
      client.close()
      await nc.close()
    },
  }
}
