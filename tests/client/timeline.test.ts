import { createRoot } from 'solid-js'
import { describe, expect, it } from 'vitest'
import { type MessageId, type RoomId, toNotifyId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import { createTimeline } from '../../client/chat/createTimeline.ts'
import {
  applyEvent,
  applyTo,
  extendTimeline,
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

const idOf = (seq: number) => seq.toString(16).padStart(32, '0')
const toMessage = ({ seq, event: { kind: _, ...message } }: PlacedEvent) => ({
  ...message,
  seq,
  reactions: [],
})

function changed(kind: 'edit' | 'delete', seq: number, of: number, threadId?: string): PlacedEvent {
  const [by, at, text] = ['alice', new Date(seq).toISOString(), 'edited']
  const notifyId = toNotifyId({ id: idOf(of) as MessageId, seq: of })
  const message = { notifyId, ...(threadId === undefined ? {} : { threadId }) }
  return { seq, event: { kind, room: 'general', by, at, message, text, mentions: [] } as never }
}

function reaction(seq: number, by: string, on: boolean, emoji = '👍'): PlacedEvent {
  const message = { notifyId: toNotifyId({ id: idOf(1) as MessageId, seq: 1 }) }
  return { seq, event: { kind: 'react', room: 'general', by, message, emoji, on } as never }
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
    expect(repliesOf(timeline, 'a')).toMatchObject({ count: 2, lastSeq: 3 })
  })

  it('does not add a new message while newer history pages are not loaded', () => {
    expect(timelineOf([sent(1, 'a')], { ...empty(), hasNewer: true }).items).toEqual([])
  })

  it('counts a reply once even if it arrives twice before its root message', () => {
    const timeline = timelineOf([
      sent(2, 'b', 'a'),
      sent(3, 'c', 'a'),
      sent(3, 'c', 'a'),
      sent(1, 'a'),
      sent(4, 'd', 'a'),
    ])

    expect(repliesOf(timeline, 'a')).toMatchObject({ count: 3, lastSeq: 4 })
  })

  it('inserts a message between loaded ones, but does not append a newer one while newer history pages are not loaded', () => {
    const page = { messages: [], before: true, after: false, asOf: 0 }
    const old = {
      ...timelineOf([sent(4, 'a'), sent(9, 'b')], timelineFromPage(page)),
      hasNewer: true,
    }

    const { items } = timelineOf([sent(7, 'c'), sent(12, 'd')], old)

    expect(items.map(({ seq }) => seq)).toEqual([4, 7, 9])
  })

  it('counts a reply that arrives before its root message only for that root message', () => {
    const timeline = timelineOf([sent(2, 'b', 'a'), sent(4, 'd', 'c'), sent(3, 'c'), sent(1, 'a')])

    expect(repliesOf(timeline, 'a')).toMatchObject({ count: 1, lastSeq: 2 })
    expect(repliesOf(timeline, 'c')).toMatchObject({ count: 1, lastSeq: 4 })
    expect(timeline.earlyReplies).toEqual([])
    expect(timelineOf([sent(9, 'x')], empty()).items[0]).not.toHaveProperty('replies')
  })

  it('stores the highest of the sequence numbers of replies that arrive before their root message', () => {
    const timeline = timelineOf([sent(3, 'c', 'a'), sent(2, 'b', 'a'), sent(1, 'a')])

    expect(repliesOf(timeline, 'a')).toMatchObject({ count: 2, lastSeq: 3 })
  })

  describe('with a deleted reply', () => {
    const root = idOf(1)
    const reply = (seq: number) => sent(seq, idOf(seq), root)
    const deletion = (seq: number, of: number) => changed('delete', seq, of, root)
    const first = (events: PlacedEvent[], timeline?: Timeline) =>
      repliesOf(timelineOf(events, timeline), root)

    it('does not count the reply, however often and in whatever order the events arrive', () => {
      const before = [sent(1, root), reply(2), reply(3)]

      expect(first([...before, deletion(4, 3)])).toMatchObject({ count: 1, lastSeq: 3 })
      expect(first([...before, deletion(4, 3), deletion(4, 3)])).toMatchObject({ count: 1 })
      expect(first([sent(1, root), reply(2), deletion(4, 3), reply(3)])).toMatchObject({
        count: 1,
        lastSeq: 3,
      })
      expect(first([...before, deletion(4, 3), deletion(5, 2)])).toMatchObject({ count: 0 })
    })

    it('does not subtract a deleted reply that the count in the history page already leaves out', () => {
      const page = (asOf: number, replies: object): Timeline =>
        timelineFromPage({
          messages: [{ ...toMessage(sent(1, root)), replies }] as never,
          before: false,
          after: false,
          asOf,
        })
      const excluded = { count: 1, lastSeq: 3, users: [], deleted: [3] }
      const included = { count: 2, lastSeq: 3, users: [] }

      expect(first([deletion(4, 3)], page(3, excluded))).toMatchObject({ count: 1 })
      expect(first([deletion(4, 3)], page(3, included))).toMatchObject({ count: 1 })
      expect(first([deletion(4, 3)], page(4, included))).toMatchObject({ count: 2 })
    })
  })

  it('names the latest three people who replied, and the time of the last reply', () => {
    const by = (sender: string, { seq, event }: PlacedEvent) => ({
      seq,
      event: { ...event, sender } as RoomEvent,
    })
    const timeline = timelineOf([
      sent(1, 'a'),
      ...['ada', 'bob', 'cy', 'bob', 'dee'].map((name, at) =>
        by(name, sent(at + 2, `r${at}`, 'a')),
      ),
    ])

    expect(repliesOf(timeline, 'a')).toEqual({
      count: 5,
      lastSeq: 6,
      lastAt: new Date(6).toISOString(),
      users: ['dee', 'bob', 'cy'],
    })
  })

  it('counts a reply once even if it arrives a second time after its root message', () => {
    const timeline = timelineOf([sent(1, 'a'), sent(2, 'b', 'a')])

    expect(timelineOf([sent(2, 'b', 'a')], timeline)).toBe(timeline)
  })

  it('stores only the newest 50 replies to messages that are not loaded', () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      sent(index + 10, `r-${index}`, `up-${index}`),
    )

    expect(timelineOf(many).earlyReplies.length).toBeLessThanOrEqual(50)
    expect(timelineOf(many).earlyReplies.map(({ seq }) => seq)).toEqual(
      many.slice(-50).map(({ seq }) => seq),
    )
  })
})

describe('an event that changes a message', () => {
  const [id, other] = [idOf(1), idOf(2)]
  const loaded = () => timelineOf([sent(1, id), sent(2, other)])
  const first = ({ items }: Timeline) => items[0]

  it('replaces the text of the message and sets the time of the edit, if the event is an edit', () => {
    const timeline = timelineOf([changed('edit', 3, 1)], loaded())

    expect(first(timeline)).toMatchObject({
      text: 'edited',
      editedAt: new Date(3).toISOString(),
      asOf: 3,
    })
    expect(timeline.items[1]).toMatchObject({ text: 'text 2', asOf: 2 })
  })

  it('removes the text, mentions and reactions of the message, if the event is a deletion', () => {
    const timeline = timelineOf([reaction(3, 'bob', true), changed('delete', 4, 1)], loaded())

    expect(first(timeline)).toMatchObject({ text: '', mentions: [], reactions: [], asOf: 4 })
    expect(first(timeline)?.deletedAt).toBe(new Date(4).toISOString())
  })

  it('changes nothing if it is not newer than the last change of the message', () => {
    const edited = timelineOf([changed('edit', 4, 1)], loaded())

    expect(timelineOf([changed('delete', 3, 1)], edited)).toBe(edited)
    expect(timelineOf([changed('delete', 4, 1)], edited)).toBe(edited)
    expect(timelineOf([sent(9, id)], edited)).toBe(edited)
  })

  it('adds or removes the reaction of a user, if the event is a reaction', () => {
    const events = [reaction(3, 'bob', true), reaction(4, 'carol', true), reaction(5, 'bob', false)]

    const counts = events.map((_, index) => {
      const timeline = timelineOf(events.slice(0, index + 1), loaded())
      return first(timeline)?.reactions
    })

    expect(counts).toEqual([
      [{ emoji: '👍', count: 1, users: ['bob'] }],
      [{ emoji: '👍', count: 2, users: ['bob', 'carol'] }],
      [{ emoji: '👍', count: 1, users: ['carol'] }],
    ])
  })

  it('keeps other reactions when the last user of a reaction removes it', () => {
    const events = [
      reaction(3, 'bob', true, '👎'),
      reaction(4, 'bob', true),
      reaction(5, 'bob', true, '🎉'),
      reaction(6, 'bob', false),
    ]

    const { reactions = [] } = first(timelineOf(events, loaded())) ?? {}
    expect(reactions.map(({ emoji }) => emoji)).toEqual(['👎', '🎉'])
  })

  it('does not add a reaction twice, nor remove an absent reaction', () => {
    const once = timelineOf([reaction(3, 'bob', true)], loaded())

    for (const again of [reaction(4, 'bob', true), reaction(4, 'carol', false)])
      expect(first(timelineOf([again], once))?.reactions).toEqual(first(once)?.reactions)
    expect(first(timelineOf([reaction(3, 'bob', false)], loaded()))?.reactions).toEqual([])
  })

  it('changes a message outside of a timeline, such as the root message of a thread', () => {
    const [item, another] = loaded().items
    if (!item || !another) throw new Error('The fixture is empty')

    expect(applyTo(item, changed('edit', 3, 1))).toMatchObject({ id, text: 'edited' })
    expect(applyTo(item, changed('edit', 3, 2))).toBe(item)
    expect(applyTo(item, sent(3, idOf(3)))).toBe(item)
    expect(applyTo(another, sent(3, idOf(3), other)).replies).toMatchObject({
      count: 1,
      lastSeq: 3,
    })
  })
})

describe('extendTimeline', () => {
  const page = (seqs: number[], more: Partial<HistoryPage> = {}) => ({
    messages: seqs.map((seq) => toMessage(sent(seq, idOf(seq)))) as never,
    before: true,
    after: true,
    asOf: 9,
    ...more,
  })
  const seqsOf = ({ items }: Timeline) => items.map(({ seq }) => seq)

  it('adds each message of overlapping pages once, and sets whether more history can be loaded', () => {
    const middle = timelineFromPage(page([4, 5]))

    const older = extendTimeline(middle, page([2, 3, 4], { before: false }), 'older')
    expect(seqsOf(older)).toEqual([2, 3, 4, 5])
    expect(older).toMatchObject({ hasOlder: false, hasNewer: true })
    const newer = extendTimeline(middle, page([5, 6], { after: false }), 'newer')
    expect(seqsOf(newer)).toEqual([4, 5, 6])
    expect(newer).toMatchObject({ hasOlder: true, hasNewer: false })
  })

  it.each(['older', 'newer'] as const)(
    'adds the messages of the %s history page to an empty timeline',
    (side) => {
      expect(seqsOf(extendTimeline(empty(), page([1, 2]), side))).toEqual([1, 2])
    },
  )
})

describe('the timeline of a thread', () => {
  it('contains only replies of the thread', () => {
    const thread = timelineFromPage(
      { messages: [], before: false, after: false, asOf: 0 },
      'a' as MessageId,
    )

    const timeline = timelineOf([sent(2, 'b', 'a'), sent(3, 'c'), sent(4, 'd', 'x')], thread)

    expect(timeline.items.map(({ id }) => id)).toEqual(['b'])
    expect(timeline.earlyReplies).toMatchObject([{ to: 'x', seq: 4 }])
  })
})

/** Creates a timeline whose request for a history page waits until the test calls `answer`. */
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
    async answer(seqs: number[], asOf: number, more: { before?: boolean; after?: boolean } = {}) {
      const messages = seqs.map((seq) => toMessage(sent(seq, idOf(seq))))
      pages.at(-1)?.answer({ messages, before: false, after: false, asOf, ...more } as HistoryPage)
      await settled()
    },
    async hear(placed: PlacedEvent, prev: number) {
      log.push(placed)
      timeline.receive({ room: 'general', kind: placed.event.kind, prev, ...placed } as Notice)
      await settled()
    },
    seqs: () => timeline.items().map(({ seq }) => seq),
  }
}

describe('a history page', () => {
  it('is completed with messages that arrived during its request', async () => {
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

  it('is added even if a loaded message was edited during its request', async () => {
    const { timeline, answer, hear, seqs, close } = givenRoom()
    await answer([8, 9, 10], 10, { before: true })

    timeline.loadOlder()
    await hear(changed('edit', 11, 8), 10)
    await answer([6, 7], 10)

    expect(seqs()).toEqual([6, 7, 8, 9, 10])
    close()
  })

  it('is completed with all later events, even if it is older than the previous history page', async () => {
    const { timeline, answer, hear, seqs, log, syncs, close } = givenRoom()
    log.push(sent(9, idOf(9)))
    await answer([8, 9, 10], 10, { before: true })
    await hear(sent(11, idOf(11)), 10)

    void timeline.goTo(2)
    await answer([1, 2, 3], 11, { after: true })
    expect(seqs()).toEqual([1, 2, 3])
    // This page is from a lagging replica: it includes events up to sequence number 8. The previous
    // page included events up to 11.
    void timeline.goToPresent()
    await answer([6, 7, 8], 8)

    expect(seqs()).toEqual([6, 7, 8, 9, 11])
    expect(syncs).toEqual([8])
    close()
  })

  it('extends the messages that are shown now, not those that were shown before a jump', async () => {
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
