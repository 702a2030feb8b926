import { describe, expect, it } from 'vitest'
import { type MessageId, toNotifyId, type UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import {
  applyCount,
  countNotice,
  isUncounted,
  startUnread,
  totalOf,
  type Unread,
  type UnreadCount,
} from '../../client/chat/unread.ts'

const me = 'alice' as UserId
const idOf = (seq: number) => String(seq).padStart(32, '0') as MessageId

function said(seq: number, more: { sender?: string; mentions?: string[]; threadId?: string } = {}) {
  const { threadId, ...rest } = more
  const event = { kind: 'message', id: idOf(seq), sender: 'bob', mentions: [], text: '', ...rest }
  const place = threadId === undefined ? {} : { threadId }
  return { room: 'general', seq, prev: 0, kind: 'message', ...place, event } as unknown as Notice
}

function deleted(seq: number, of: number) {
  const message = { notifyId: toNotifyId({ seq: of, id: idOf(of) }) }
  return { room: 'general', seq, kind: 'delete', event: { kind: 'delete', message } } as Notice
}

const withHeard = (known: Unread, ...notices: Notice[]) =>
  notices.reduce((now, notice) => countNotice(now, notice, me), known)
const counted = (asOf: number, unread: number, more: Partial<UnreadCount> = {}): UnreadCount => ({
  readSeq: 0,
  mentions: 0,
  asOf,
  unread,
  ...more,
})

describe('what is unread in a room', () => {
  it('counts what is heard, but for our own, and that once', () => {
    const now = withHeard(startUnread(counted(2, 1)), said(3), said(3), said(4, { sender: me }))

    expect(totalOf(now)).toEqual({ unread: 2, mentions: 0 })
  })

  it('counts what an answer that was on its way does not know of', () => {
    const heard = withHeard(startUnread(counted(2, 1)), said(3), said(4, { mentions: [me] }))

    expect(totalOf(applyCount(heard, counted(3, 2)))).toEqual({ unread: 3, mentions: 1 })
  })

  it('counts nothing twice that an answer knows of before it is heard', () => {
    const told = applyCount(startUnread(counted(2, 1)), counted(4, 3))

    expect(totalOf(withHeard(told, said(3), said(4)))).toEqual({ unread: 3, mentions: 0 })
  })

  it('is what the newer of two answers says, whichever comes first', () => {
    const heard = withHeard(startUnread(counted(2, 0)), said(3), said(4))
    const [older, newer] = [counted(3, 1), counted(4, 2)]

    expect(totalOf(applyCount(applyCount(heard, newer), older))).toEqual({ unread: 2, mentions: 0 })
    expect(totalOf(applyCount(applyCount(heard, older), newer))).toEqual({ unread: 2, mentions: 0 })
  })

  it('is nothing of what was read, also before the server has it', () => {
    const heard = withHeard(startUnread(counted(2, 2)), said(3), said(4))

    expect(totalOf(applyCount(heard, counted(2, 0, { readSeq: 4 })))).toEqual({
      unread: 0,
      mentions: 0,
    })
    expect(totalOf(applyCount(heard, counted(2, 0, { readSeq: 3 })))).toEqual({
      unread: 1,
      mentions: 0,
    })
  })

  it('forgets what is deleted before it was counted', () => {
    const now = withHeard(startUnread(counted(2, 0)), said(3), said(4), deleted(5, 3))

    expect(totalOf(now)).toEqual({ unread: 1, mentions: 0 })
  })

  it('counts in threads what names us alone', () => {
    const threadId = idOf(1)
    const now = withHeard(
      startUnread(counted(2, 0)),
      said(3, { threadId }),
      said(4, { threadId, mentions: [me] }),
    )

    expect(totalOf(now)).toEqual({ unread: 1, mentions: 1 })
  })

  it('is counted anew as long as something was heard without its words', () => {
    const { event: _, ...long } = said(3)
    const now = withHeard(startUnread(counted(2, 0)), long as Notice)

    expect(isUncounted(now)).toBe(true)
    expect(isUncounted(applyCount(now, counted(2, 0)))).toBe(true)
    expect(isUncounted(applyCount(now, counted(3, 1)))).toBe(false)
    expect(isUncounted(applyCount(now, counted(2, 0, { readSeq: 3 })))).toBe(false)
  })

  it('is no more than 100', () => {
    const many = Array.from({ length: 300 }, (_, at) => said(at + 3, { mentions: [me] }))

    expect(totalOf(withHeard(startUnread(counted(2, 90)), ...many)).unread).toBe(100)
  })
})
