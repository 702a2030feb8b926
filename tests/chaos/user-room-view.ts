import { setTimeout as delay } from 'node:timers/promises'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import type { Message, PagedMessage } from '#schema/messages/chat'
import type { Notice, RoomEvent } from '#schema/messages/event'
import type { VisibleMessage } from './evidence.ts'
import type { CallFunction } from './simulated-user.ts'

/** The messages that a user sees in a room. Like a client, the view fetches missed events. */
export interface UserRoomView {
  readonly room: RoomId
  readonly isClosed: boolean
  readonly messages: ReadonlyMap<MessageId, VisibleMessage>
  readonly violations: string[]
  receive(notice: Notice): void
  /** Resolves with false when access is lost or all attempts fail. */
  catchUp(): Promise<boolean>
  close(): void
}

/** Numbers of received events, of events that `chat.sync` returned, and of room reloads. */
export interface DeliveryCounts {
  pushed: number
  synced: number
  reloads: number
}

interface ViewedMessage extends VisibleMessage {
  editedSeq: number
  reactionStates: Map<string, { seq: number; on: boolean }>
  reactions: Set<string>
}

/**
 * After this many events, the view calls `chat.sync`. A notice's `prev` is the sequence before it
 * in the same thread, so it reveals no gap if all notices of a thread are lost.
 */
const maxEventsBetweenSyncs = 200
const maxAttempts = 40

export function createUserRoomView(
  room: RoomId,
  call: CallFunction,
  deliveries: DeliveryCounts,
): UserRoomView {
  let messages = new Map<MessageId, ViewedMessage>()
  /** The view has all events up to this sequence. Undefined before the room is loaded. */
  let completeTo: number | undefined
  /** The last received sequence of each thread. The key '' stands for the room itself. */
  const heads = new Map<string, number>()
  let highestSeq = 0
  let eventsSinceSync = 0
  let isClosed = false
  const queue: Notice[] = []
  let draining: Promise<void> | undefined
  const violations: string[] = []

  return {
    room,
    get isClosed() {
      return isClosed
    },
    get messages() {
      return messages
    },
    violations,
    receive(notice) {
      if (isClosed) return
      highestSeq = Math.max(highestSeq, notice.seq)
      queue.push(notice)
      draining ??= drainQueue().finally(() => {
        draining = undefined
      })
    },
    async catchUp() {
      await draining
      return fetchMissing()
    },
    close() {
      isClosed = true
      queue.length = 0
    },
  }

  async function drainQueue() {
    for (let notice = queue.shift(); notice; notice = queue.shift()) await processNotice(notice)
  }

  async function processNotice(notice: Notice): Promise<void> {
    const { seq, prev, threadId = '' } = notice
    const knownSeq = Math.max(completeTo ?? -1, heads.get(threadId) ?? 0)
    if (seq <= knownSeq) return
    const isNext =
      completeTo !== undefined && prev <= knownSeq && eventsSinceSync < maxEventsBetweenSyncs
    if (!isNext || !(await applyNotice(notice))) return void (await fetchMissing())
    heads.set(threadId, seq)
    eventsSinceSync++
    deliveries.pushed++
  }

  async function applyNotice({ seq, event, kind, notifyId }: Notice): Promise<boolean> {
    if (event) return applyEvent(messages, seq, event)
    if (!notifyId) return kind === 'room' || kind === 'member'
    const answer = await call('msg.get', { notifyId })
    if (!answer.ok) return false
    messages.set(answer.value.id, mergeMessage(answer.value, messages.get(answer.value.id)))
    return true
  }

  async function fetchMissing(): Promise<boolean> {
    for (let attempt = 1; attempt <= maxAttempts && !isClosed; attempt++) {
      const upTo = highestSeq
      const outcome = completeTo === undefined ? await reload() : await sync(completeTo, upTo)
      if (outcome === 'done') return true
      if (outcome === 'forbidden') {
        isClosed = true
        queue.length = 0
      } else if (outcome === 'failed') await delay(250)
    }
    return false
  }

  async function sync(since: number, upTo: number) {
    const answer = await call('chat.sync', { room, since })
    if (!answer.ok) return answer.code === 'forbidden' ? 'forbidden' : 'failed'
    if (!answer.value.recovered) {
      completeTo = undefined
      return 'continue'
    }
    let last = since
    const { events } = answer.value
    const applied = events.map(({ seq, event }) => {
      if (seq <= last) violations.push(`chat.sync since ${since} has ${seq} after ${last}`)
      last = seq
      deliveries.synced++
      return applyEvent(messages, seq, event)
    })
    // If a message was purged from the stream, its edits can only be applied after its deletion
    // event, which adds the message to the view.
    for (const [index, { seq, event }] of events.entries())
      if (!applied[index] && !applyEvent(messages, seq, event))
        violations.push(`chat.sync since ${since} has ${seq}, which changes an unknown message`)
    // The last returned event may have a lower sequence than `upTo`, if newer events were purged.
    completeTo = Math.max(last, upTo)
    eventsSinceSync = 0
    return 'done'
  }

  async function reload() {
    const history = await readHistory(room, call, violations)
    if (!history) return 'failed'
    if (history === 'forbidden') return history
    messages = history.messages
    completeTo = history.asOf
    heads.clear()
    deliveries.reloads++
    return 'continue'
  }
}

function applyEvent(
  messages: Map<MessageId, ViewedMessage>,
  seq: number,
  event: RoomEvent,
): boolean {
  if (event.kind === 'member' || event.kind === 'room') return true
  if (event.kind === 'message') {
    const { id, threadId = '', text } = event
    const existing = messages.get(id)
    if (!existing) messages.set(id, { ...createViewedMessage(seq, threadId), text })
    // If the stream has two copies of a message, the message has the sequence of the first copy.
    else if (!existing.isDeleted) existing.seq = Math.min(existing.seq, seq)
    return true
  }
  const target = readNotifyId(event.message.notifyId)
  if (event.kind === 'delete') {
    const { threadId = '' } = event.message
    messages.set(target.id, { ...createViewedMessage(target.seq, threadId), isDeleted: true })
    return true
  }
  const message = messages.get(target.id)
  if (!message) return false
  if (message.isDeleted) return true
  if (event.kind === 'edit') {
    if (seq > message.editedSeq) Object.assign(message, { text: event.text, editedSeq: seq })
    return true
  }
  const reactionKey = `${event.by} ${event.emoji}`
  if ((message.reactionStates.get(reactionKey)?.seq ?? 0) >= seq) return true
  message.reactionStates.set(reactionKey, { seq, on: event.on })
  if (event.on) message.reactions.add(reactionKey)
  else message.reactions.delete(reactionKey)
  return true
}

function createViewedMessage(seq: number, threadId: MessageId | ''): ViewedMessage {
  const initial = { text: '', isDeleted: false, editedSeq: 0 }
  return { seq, threadId, ...initial, reactionStates: new Map(), reactions: new Set() }
}

function mergeMessage(message: Message, existing?: ViewedMessage): ViewedMessage {
  const { seq, threadId = '', text, deletedAt, editedSeq = 0 } = message
  const current = existing ?? createViewedMessage(seq, threadId)
  if (current.isDeleted || current.editedSeq > editedSeq) return current
  return { ...current, text, editedSeq, isDeleted: deletedAt !== undefined }
}

async function readHistory(room: RoomId, call: CallFunction, violations: string[]) {
  const messages = new Map<MessageId, ViewedMessage>()
  const threads: MessageId[] = []
  let asOf = Number.MAX_SAFE_INTEGER
  const readAll = async (threadId?: MessageId): Promise<'done' | 'forbidden' | undefined> => {
    for (let after = 0; ; ) {
      const page =
        threadId === undefined
          ? await call('chat.history', { room, after, limit: 100 })
          : await call('chat.history.thread', { room, threadId, after, limit: 100 })
      if (!page.ok) return page.code === 'forbidden' ? 'forbidden' : undefined
      // Each history page has its own `asOf`, and the next `chat.sync` must start at the lowest.
      asOf = Math.min(asOf, page.value.asOf)
      for (const message of page.value.messages) {
        if (message.seq <= after) violations.push(`a page after ${after} has ${message.seq}`)
        messages.set(message.id, readPagedMessage(message, page.value.asOf))
        if (message.replies && threadId === undefined) threads.push(message.id)
        after = message.seq
      }
      if (!page.value.after) return 'done'
    }
  }
  const outcome = await readAll()
  if (outcome !== 'done') return outcome
  for (const thread of threads) {
    const outcome = await readAll(thread)
    if (outcome !== 'done') return outcome
  }
  return { asOf, messages }
}

function readPagedMessage(message: PagedMessage, asOf: number): ViewedMessage {
  const viewed = mergeMessage(message)
  for (const { emoji, users } of message.reactions)
    for (const user of users) {
      viewed.reactionStates.set(`${user} ${emoji}`, { seq: asOf, on: true })
      viewed.reactions.add(`${user} ${emoji}`)
    }
  return viewed
}
