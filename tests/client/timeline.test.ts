import { createRoot } from 'solid-js'
import { describe, expect, it } from 'vitest'
import { type MessageId, type RoomId, toNotifyId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import { createTimeline } from '../../client/chat/createTimeline.ts'
import {
  applyEvent,
  type HistoryPage,
  type Timeline,
  timelineFromPage,
} from '../../client/chat/timeline.ts'
import type { ChatClient } from '../../client/nats/chatClient.ts'

function sent(seq: number, id: string, threadId?: string): PlacedEvent {
  const [room, at, text] = ['general', new Date(seq).toISOString(), `text ${seq}`]
  const place = threadId === undefined ? {} : { threadId }
  const message = { id, room, sender: 'alice', clientId: `c-${id}`, text, mentions: [], at }
  return { seq, event: { kind: 'message', ...message, ...place } as unknown as RoomEvent }
}

const empty = () => timelineFromPage({ messages: [], before: false, after: false, asOf: 0 })
const timelineOf = (events: PlacedEvent[], timeline: Timeline = empty()) =>
  events.reduce(applyEvent, timeline)
const repliesOf = ({ items }: Timeline, id: string) =>
  items.find((item) => item.id === (id as MessageId))?.replies

describe('a timeline', () => {
  it('counts the replies to a message', () => {
    const timeline = timelineOf([sent(1, 'a'), sent(2, 'b', 'a'), sent(3, 'c', 'a')])

    expect(timeline.items.map(({ id }) => id)).toEqual(['a'])
    expect(repliesOf(timeline, 'a')).toEqual({ count: 2, lastSeq: 3 })
  })

  it('counts replies that arrive before their parent message, each once', () => {
    const timeline = timelineOf([
      sent(2, 'b', 'a'),
      sent(3, 'c', 'a'),
      sent(3, 'c', 'a'),
      sent(1, 'a'),
      sent(4, 'd', 'a'),
    ])

    expect(repliesOf(timeline, 'a')).toEqual({ count: 3, lastSeq: 4 })
  })

  it('inserts a message between loaded ones, and no newer one while newer pages are missing', () => {
    const page = { messages: [], before: true, after: false, asOf: 0 }
    const old = {
      ...timelineOf([sent(4, 'a'), sent(9, 'b')], timelineFromPage(page)),
      hasNewer: true,
    }

    const { items } = timelineOf([sent(7, 'c'), sent(12, 'd')], old)

    expect(items.map(({ seq }) => seq)).toEqual([4, 7, 9])
  })

  it('limits the replies remembered for messages that are not loaded', () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      sent(index + 10, `r-${index}`, `up-${index}`),
    )

    expect(timelineOf(many).earlyReplies.length).toBeLessThanOrEqual(50)
  })
})

/** A timeline whose pages arrive when the test calls `answer`. */
function givenRoom(start?: number) {
  const pages: { input: Record<string, unknown>; answer: (page: HistoryPage) => void }[] = []
  const syncs: number[] = []
  const log: PlacedEvent[] = []
  const client = {
    call(name: string, input: Record<string, unknown>) {
      if (name === 'chat.sync') {
        const since = Number(input.since)
        syncs.push(since)
        return Promise.resolve({ recovered: true, events: log.filter(({ seq }) => seq > since) })
      }
      const { promise, resolve } = Promise.withResolvers<HistoryPage>()
      pages.push({ input, answer: resolve })
      return promise
    },
  } as unknown as ChatClient
  const { timeline, close } = createRoot((dispose) => ({
    timeline: createTimeline({ client, room: 'general' as RoomId, start }),
    close: dispose,
  }))
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0))
  return {
    timeline,
    close,
    syncs,
    log,
    /** Answers the latest page request. */
    async answer(seqs: number[], asOf: number, more: { before?: boolean; after?: boolean } = {}) {
      const messages = seqs.map((seq) => toMessage(sent(seq, idOf(seq))))
      pages.at(-1)?.answer({ messages, before: false, after: false, asOf, ...more } as HistoryPage)
      await settled()
    },
    async hear(placed: PlacedEvent, prev: number) {
      log.push(placed)
      timeline.hear({ room: 'general', kind: placed.event.kind, prev, ...placed } as Notice)
      await settled()
    },
    seqs: () => timeline.items().map(({ seq }) => seq),
  }
}

const idOf = (seq: number) => seq.toString(16).padStart(32, '0')
const toMessage = ({ seq, event: { kind: _, ...message } }: PlacedEvent) => ({
  ...message,
  seq,
  reactions: [],
})

function changed(kind: 'edit' | 'delete', seq: number, of: number): PlacedEvent {
  const [by, at, text] = ['alice', new Date(seq).toISOString(), 'edited']
  const message = { notifyId: toNotifyId({ id: idOf(of) as MessageId, seq: of }) }
  const event = { kind, room: 'general', by, at, message, text, mentions: [] }
  return { seq, event: event as unknown as RoomEvent }
}

describe('a history page', () => {
  it('is completed with messages that arrived during its request, and that it lacks', async () => {
    const { timeline, answer, hear, seqs, syncs, close } = givenRoom(5)
    await answer([4, 5, 6], 10, { before: true, after: true })
    await hear(sent(11, idOf(11)), 10)
    expect(seqs()).toEqual([4, 5, 6])

    timeline.loadNewer()
    await hear(sent(12, idOf(12)), 11)
    await answer([7, 8, 9, 10], 10)

    expect(seqs()).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(syncs).toEqual([])
    close()
  })

  it('includes edits and deletions that arrived during its request', async () => {
    const { timeline, answer, hear, close } = givenRoom()
    await answer([8, 9, 10], 10, { before: true })
    await hear(changed('edit', 11, 6), 10)

    timeline.loadOlder()
    await hear(changed('delete', 12, 7), 11)
    await answer([6, 7], 10)

    const [edited, deleted] = timeline.items()
    expect(edited).toMatchObject({ seq: 6, text: 'edited' })
    expect(deleted).toMatchObject({ seq: 7, text: '', deletedAt: expect.any(String) })
    close()
  })

  it('is added although a loaded message was edited during its request', async () => {
    const { timeline, answer, hear, seqs, close } = givenRoom()
    await answer([8, 9, 10], 10, { before: true })

    timeline.loadOlder()
    await hear(changed('edit', 11, 8), 10)
    await answer([6, 7], 10)

    expect(seqs()).toEqual([6, 7, 8, 9, 10])
    close()
  })

  it('is followed by all later events, also when it is older than the last page', async () => {
    const { timeline, answer, hear, seqs, log, syncs, close } = givenRoom()
    log.push(sent(9, idOf(9)))
    await answer([8, 9, 10], 10, { before: true })
    await hear(sent(11, idOf(11)), 10)

    void timeline.goTo(2)
    await answer([1, 2, 3], 11, { after: true })
    expect(seqs()).toEqual([1, 2, 3])
    // This page comes from a replica that lags behind the one before.
    void timeline.goToPresent()
    await answer([6, 7, 8], 8)

    expect(seqs()).toEqual([6, 7, 8, 9, 11])
    expect(syncs).toEqual([8])
    close()
  })

  it('is dropped when another part of the room was opened during its request', async () => {
    const { timeline, answer, seqs, close } = givenRoom()
    await answer([8, 9, 10], 10, { before: true })

    void timeline.goTo(2)
    await answer([1, 2, 3], 10, { after: true })
    timeline.loadNewer()
    await answer([4, 5], 10, { after: true })

    expect(seqs()).toEqual([1, 2, 3, 4, 5])
    expect(timeline.hasNewer()).toBe(true)
    close()
  })
})
