import { describe, expect, it } from 'vitest'
import { type MessageId, toNotifyId, type UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import {
  applyCount,
  countNotice,
  isUncounted,
  readThreads,
  startUnread,
  totalOf,
  type Unread,
  type UnreadCount,
} from '../../client/chat/unread.ts'

const me = 'alice' as UserId
const idOf = (seq: number) => String(seq).padStart(32, '0') as MessageId

function sent(seq: number, more: { sender?: string; mentions?: string[]; threadId?: string } = {}) {
  const { threadId, ...rest } = more
  const event = { kind: 'message', id: idOf(seq), sender: 'bob', mentions: [], text: '', ...rest }
  const place = threadId === undefined ? {} : { threadId }
  return { room: 'general', seq, prev: 0, kind: 'message', ...place, event } as unknown as Notice
}

function deleted(seq: number, of: number) {
  const message = { notifyId: toNotifyId({ seq: of, id: idOf(of) }) }
  return { room: 'general', seq, kind: 'delete', event: { kind: 'delete', message } } as Notice
}

function edited(seq: number, of: number, more: { mentions?: string[]; threadId?: string } = {}) {
  const { mentions = [], threadId } = more
  const notifyId = toNotifyId({ seq: of, id: idOf(of) })
  const message = { notifyId, ...(threadId === undefined ? {} : { threadId }) }
  const event = { kind: 'edit', message, mentions }
  return { room: 'general', seq, prev: 0, kind: 'edit', notifyId, event } as unknown as Notice
}

const withNotices = (unread: Unread, ...notices: Notice[]) =>
  notices.reduce((current, notice) => countNotice(current, notice, me, false), unread)
const counted = (asOf: number, unread: number, more: Partial<UnreadCount> = {}): UnreadCount => ({
  readSeq: 0,
  mentions: 0,
  asOf,
  unread,
  ...more,
})

describe('the unread count of a room', () => {
  it('counts each received message of other users once', () => {
    const now = withNotices(startUnread(counted(2, 1)), sent(3), sent(3), sent(4, { sender: me }))

    expect(totalOf(now)).toEqual({ unread: 2, mentions: 0 })
  })

  it('adds received messages that a room.list response does not include', () => {
    const received = withNotices(startUnread(counted(2, 1)), sent(3), sent(4, { mentions: [me] }))

    expect(totalOf(applyCount(received, counted(3, 2)))).toEqual({ unread: 3, mentions: 1 })
  })

  it('does not add received messages that a room.list response includes', () => {
    const current = applyCount(startUnread(counted(2, 1)), counted(4, 3))

    expect(totalOf(withNotices(current, sent(3), sent(4)))).toEqual({ unread: 3, mentions: 0 })
  })

  it('is taken from the newer of two room.list responses, in whichever order they arrive', () => {
    const received = withNotices(startUnread(counted(2, 0)), sent(3), sent(4))
    const [older, newer] = [counted(3, 1), counted(4, 2)]

    expect(totalOf(applyCount(applyCount(received, newer), older))).toEqual({
      unread: 2,
      mentions: 0,
    })
    expect(totalOf(applyCount(applyCount(received, older), newer))).toEqual({
      unread: 2,
      mentions: 0,
    })
  })

  it('does not include received messages that have been read', () => {
    const received = withNotices(startUnread(counted(2, 2)), sent(3), sent(4))

    expect(totalOf(applyCount(received, counted(2, 0, { readSeq: 4 })))).toEqual({
      unread: 0,
      mentions: 0,
    })
    expect(totalOf(applyCount(received, counted(2, 0, { readSeq: 3 })))).toEqual({
      unread: 1,
      mentions: 0,
    })
  })

  it('does not include a deleted message that no room.list response included', () => {
    const now = withNotices(startUnread(counted(2, 0)), sent(3), sent(4), deleted(5, 3))

    expect(now.received.map(({ seq }) => seq)).toEqual([4])
    expect(totalOf(now)).toEqual({ unread: 1, mentions: 0 })
  })

  it('counts a reply in a thread that the user does not follow only if the reply mentions the user', () => {
    const threadId = idOf(1)
    const now = withNotices(
      startUnread(counted(2, 0)),
      sent(3, { threadId }),
      sent(4, { threadId, mentions: [me] }),
    )

    expect(totalOf(now)).toEqual({ unread: 1, mentions: 1 })
  })

  it('must be requested if the notice of a message lacks its event, until a room.list response includes the message or marks it as read', () => {
    const { event: _, ...long } = sent(3)
    const now = withNotices(startUnread(counted(2, 0)), long as Notice)

    expect(isUncounted(now)).toBe(true)
    expect(isUncounted(applyCount(now, counted(2, 0)))).toBe(true)
    expect(isUncounted(applyCount(now, counted(3, 1)))).toBe(false)
    expect(isUncounted(applyCount(now, counted(2, 0, { readSeq: 3 })))).toBe(false)
  })

  it('no longer counts a received mention once a room.list response includes it or marks it as read', () => {
    const received = withNotices(startUnread(counted(2, 0)), sent(3, { mentions: [me] }))

    for (const read of [counted(3, 0), counted(2, 0, { readSeq: 3 })])
      expect(totalOf(applyCount(received, read))).toEqual({ unread: 0, mentions: 0 })
  })

  it('follows a read position that moves back, even if the room.list response with it is older than received messages', () => {
    const read = withNotices(startUnread(counted(4, 0, { readSeq: 4 })), sent(5))

    expect(totalOf(applyCount(read, counted(3, 2, { readSeq: 1 })))).toMatchObject({ unread: 3 })
  })

  it('is replaced by that of a later room.list response, even if both responses have the same sequence number', () => {
    expect(totalOf(applyCount(startUnread(counted(4, 2)), counted(4, 1))).unread).toBe(1)
  })

  it('must be requested until a room.list response includes all messages whose notices lacked their events', () => {
    const { event: _, ...long } = sent(6)
    const start = startUnread(counted(0, 0))
    const now = withNotices(start, long as Notice, { ...long, seq: 5 } as Notice)

    expect(isUncounted(start)).toBe(false)
    expect(isUncounted(applyCount(now, counted(5, 1)))).toBe(true)
  })

  it('follows edits that add or remove a mention in a received message', () => {
    const received = withNotices(startUnread(counted(2, 0)), sent(3))

    const added = withNotices(received, edited(4, 3, { mentions: [me] }))
    const removed = withNotices(added, edited(5, 3))

    expect(totalOf(added)).toEqual({ unread: 1, mentions: 1 })
    expect(totalOf(removed)).toEqual({ unread: 1, mentions: 0 })
    expect([added, removed].map(isUncounted)).toEqual([false, false])
  })

  it('must be requested after an edit that adds or removes a mention in a message that the server counted', () => {
    const [without, withMention] = [startUnread(counted(3, 1)), counted(3, 1, { mentions: 1 })]
    const added = withNotices(without, edited(4, 3, { mentions: [me] }))
    const removed = withNotices(startUnread(withMention), edited(4, 3))

    expect([added, removed].map(isUncounted)).toEqual([true, true])
    expect(isUncounted(applyCount(added, counted(4, 1)))).toBe(false)
    expect(isUncounted(withNotices(without, edited(4, 3)))).toBe(false)
    const read = startUnread(counted(3, 0, { readSeq: 3 }))
    expect(isUncounted(withNotices(read, edited(4, 3, { mentions: [me] })))).toBe(false)
    const inThread = edited(4, 3, { mentions: [me], threadId: idOf(1) })
    expect(isUncounted(withNotices(read, inThread))).toBe(true)
  })

  it('includes received replies in followed threads, until the thread is read', () => {
    const [thread, other] = [idOf(1), idOf(2)]
    const now = [sent(4, { threadId: thread }), sent(5, { threadId: other }), sent(6)].reduce(
      (current, notice) => countNotice(current, notice, me, notice.threadId === thread),
      startUnread(counted(3, 0)),
    )

    expect(totalOf(now)).toEqual({ unread: 2, mentions: 0 })
    const readRoom = applyCount(now, counted(3, 0, { readSeq: 6 }))
    expect(totalOf(readRoom)).toEqual({ unread: 1, mentions: 0 })
    expect(totalOf(readThreads(readRoom, 3, thread)).unread).toBe(1)
    expect(totalOf(readThreads(readRoom, 4, other)).unread).toBe(1)
    expect(totalOf(readThreads(readRoom, 4, thread)).unread).toBe(0)
    expect(totalOf(readThreads(readRoom, 4)).unread).toBe(0)
  })

  it('is computed from at most the latest 200 received messages', () => {
    const many = Array.from({ length: 201 }, (_, index) => sent(index + 1))

    const { received } = withNotices(startUnread(counted(0, 0)), ...many)

    expect(received.map(({ seq }) => seq)).toEqual(many.slice(1).map(({ seq }) => seq))
  })

  it('is at most 100', () => {
    const many = Array.from({ length: 300 }, (_, index) => sent(index + 3, { mentions: [me] }))

    expect(totalOf(withNotices(startUnread(counted(2, 90)), ...many)).unread).toBe(100)
    expect(totalOf(withNotices(startUnread(counted(2, 90)), ...many)).mentions).toBe(100)
  })
})
