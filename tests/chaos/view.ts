import { setTimeout as delay } from 'node:timers/promises'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import type { Message, PagedMessage } from '#schema/messages/chat'
import type { Notice, RoomEvent } from '#schema/messages/event'
import type { Shown } from './evidence.ts'
import type { Ask } from './person.ts'

/** A room as somebody's client has it: what they heard, with what they missed fetched. */
export interface View {
  readonly room: RoomId
  /** Whether it is over: they do not belong there any more, or did not for a while. */
  readonly isClosed: boolean
  readonly messages: ReadonlyMap<MessageId, Shown>
  /** What no server should have said. */
  readonly odd: string[]
  hear(notice: Notice): void
  /** Fetches what has not come. False where they do not belong there any more. */
  catchUp(): Promise<boolean>
  /** Asks for nothing any more. */
  close(): void
}

/** How events came to be known: told, fetched by `chat.sync`, or read anew with all the rest. */
export interface Ways {
  heard: number
  synced: number
  rereads: number
}

interface Held extends Shown {
  editedSeq: number
  /** The last word of each: `{user} {emoji}`. */
  words: Map<string, { seq: number; on: boolean }>
  reactions: Set<string>
}

/**
 * After so many events, whoever wants to be sure asks: of a thread that nothing was ever heard of, no
 * `prev` tells. More than the server answers at once would be read anew.
 */
const checkAfter = 200
const tries = 40

export function createView(room: RoomId, ask: Ask, ways: Ways): View {
  let messages = new Map<MessageId, Held>()
  /** Up to here nothing is missing; undefined before anything was read. */
  let base: number | undefined
  /** In each order the last event up to which nothing is missing, after `base`. */
  const heads = new Map<string, number>()
  let highest = 0
  let heardSince = 0
  let isClosed = false
  const queue: Notice[] = []
  let pumping: Promise<void> | undefined
  const odd: string[] = []

  return {
    room,
    get isClosed() {
      return isClosed
    },
    get messages() {
      return messages
    },
    odd,
    hear(notice) {
      if (isClosed) return
      highest = Math.max(highest, notice.seq)
      queue.push(notice)
      pumping ??= pump().finally(() => {
        pumping = undefined
      })
    },
    async catchUp() {
      await pumping
      return fill()
    },
    close() {
      isClosed = true
      queue.length = 0
    },
  }

  async function pump() {
    for (let notice = queue.shift(); notice; notice = queue.shift()) await take(notice)
  }

  async function take(notice: Notice): Promise<void> {
    const { seq, prev, threadId = '' } = notice
    const known = Math.max(base ?? -1, heads.get(threadId) ?? 0)
    if (seq <= known) return
    const isNext = base !== undefined && prev <= known && heardSince < checkAfter
    if (!isNext || !(await apply(notice))) return void (await fill())
    heads.set(threadId, seq)
    heardSince++
    ways.heard++
  }

  async function apply({ seq, event, kind, notifyId }: Notice): Promise<boolean> {
    if (event) return show(messages, seq, event)
    if (!notifyId) return kind === 'room' || kind === 'member'
    const answer = await ask('msg.get', { notifyId })
    if (!answer.ok) return false
    messages.set(answer.value.id, readMessage(answer.value, messages.get(answer.value.id)))
    return true
  }

  /** Tries until it has it: everything up to what was heard of when this began. */
  async function fill(): Promise<boolean> {
    for (let attempt = 1; attempt <= tries && !isClosed; attempt++) {
      const upTo = highest
      const outcome = base === undefined ? await readAnew() : await sync(base, upTo)
      if (outcome === 'done') return true
      if (outcome === 'forbidden') {
        isClosed = true
        queue.length = 0
      } else if (outcome === 'again') await delay(250)
    }
    return false
  }

  async function sync(since: number, upTo: number) {
    const answer = await ask('chat.sync', { room, since })
    if (!answer.ok) return answer.code === 'forbidden' ? 'forbidden' : 'again'
    if (!answer.value.recovered) {
      base = undefined
      return 'anew'
    }
    let last = since
    const { events } = answer.value
    const isShown = events.map(({ seq, event }) => {
      if (seq <= last) odd.push(`chat.sync since ${since} has ${seq} after ${last}`)
      last = seq
      ways.synced++
      return show(messages, seq, event)
    })
    // What was done to a message stands there longer than the message, if that is deleted.
    for (const [at, { seq, event }] of events.entries())
      if (!isShown[at] && !show(messages, seq, event))
        odd.push(`chat.sync since ${since} has ${seq}, about a message that it does not have`)
    // It was asked after this had been heard, so it has that too, unless it was deleted since.
    base = Math.max(last, upTo)
    heardSince = 0
    return 'done'
  }

  async function readAnew() {
    const read = await readHistory(room, ask, odd)
    if (!read) return 'again'
    if (read === 'forbidden') return read
    messages = read.messages
    base = read.asOf
    heads.clear()
    ways.rereads++
    return 'anew'
  }
}

/** Puts an event in its place. False for one about a message that is not there. */
function show(messages: Map<MessageId, Held>, seq: number, event: RoomEvent): boolean {
  if (event.kind === 'member' || event.kind === 'room') return true
  if (event.kind === 'message') {
    const { id, threadId = '', text } = event
    const known = messages.get(id)
    if (!known) messages.set(id, { ...fresh(seq, threadId), text })
    // Said twice, it is where it was said first.
    else if (!known.isDeleted) known.seq = Math.min(known.seq, seq)
    return true
  }
  const target = readNotifyId(event.message.notifyId)
  if (event.kind === 'delete') {
    const { threadId = '' } = event.message
    messages.set(target.id, { ...fresh(target.seq, threadId), isDeleted: true })
    return true
  }
  const known = messages.get(target.id)
  if (!known) return false
  if (known.isDeleted) return true
  if (event.kind === 'edit') {
    if (seq > known.editedSeq) Object.assign(known, { text: event.text, editedSeq: seq })
    return true
  }
  const word = `${event.by} ${event.emoji}`
  if ((known.words.get(word)?.seq ?? 0) >= seq) return true
  known.words.set(word, { seq, on: event.on })
  if (event.on) known.reactions.add(word)
  else known.reactions.delete(word)
  return true
}

function fresh(seq: number, threadId: MessageId | ''): Held {
  const nothing = { text: '', isDeleted: false, editedSeq: 0 }
  return { seq, threadId, ...nothing, words: new Map(), reactions: new Set() }
}

/** A message as it stands now, with what was heard of it besides. */
function readMessage(message: Message, known?: Held): Held {
  const { seq, threadId = '', text, deletedAt, editedSeq = 0 } = message
  const held = known ?? fresh(seq, threadId)
  if (held.isDeleted || held.editedSeq > editedSeq) return held
  return { ...held, text, editedSeq, isDeleted: deletedAt !== undefined }
}

/** The whole of a room, its threads included; undefined where it was not to be had. */
async function readHistory(room: RoomId, ask: Ask, odd: string[]) {
  const messages = new Map<MessageId, Held>()
  const threads: MessageId[] = []
  let asOf = Number.MAX_SAFE_INTEGER
  const readAll = async (threadId?: MessageId): Promise<'done' | 'forbidden' | undefined> => {
    for (let after = 0; ; ) {
      const page =
        threadId === undefined
          ? await ask('chat.history', { room, after, limit: 100 })
          : await ask('chat.history.thread', { room, threadId, after, limit: 100 })
      if (!page.ok) return page.code === 'forbidden' ? 'forbidden' : undefined
      // What one page has and another has not is for the next look.
      asOf = Math.min(asOf, page.value.asOf)
      for (const message of page.value.messages) {
        if (message.seq <= after) odd.push(`a page after ${after} has ${message.seq}`)
        messages.set(message.id, readPaged(message, page.value.asOf))
        if (message.replies && threadId === undefined) threads.push(message.id)
        after = message.seq
      }
      if (!page.value.after) return 'done'
    }
  }
  // The room says first which threads there are.
  const first = await readAll()
  if (first !== 'done') return first
  for (const thread of threads) {
    const outcome = await readAll(thread)
    if (outcome !== 'done') return outcome
  }
  return { asOf, messages }
}

function readPaged(message: PagedMessage, asOf: number): Held {
  const held = readMessage(message)
  for (const { emoji, users } of message.reactions)
    for (const user of users) {
      held.words.set(`${user} ${emoji}`, { seq: asOf, on: true })
      held.reactions.add(`${user} ${emoji}`)
    }
  return held
}
