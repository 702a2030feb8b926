import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'
import type { Evidence, Frame, LogEntry, MembershipOperation } from './evidence.ts'

export const [alice, bob, eve] = ['alice', 'bob', 'eve'] as UserId[] as [UserId, UserId, UserId]
export const room = 'room-1' as RoomId
export const sentAt = 1_000_000
export const sentAtIso = new Date(sentAt).toISOString()
export const idOf = (seq: number) => seq.toString(16).padStart(32, '0') as MessageId
const textOf = (seq: number) => `${seq} [in ${room}]`
const targetOf = (seq: number) => ({ notifyId: toNotifyId({ seq, id: idOf(seq) }) })

function createLoggedMessage(seq: number): LogEntry {
  const message = { id: idOf(seq), room, sender: alice, clientId: `c-${seq}` as ClientId }
  const mentions = seq === 3 ? [bob] : []
  return {
    seq,
    at: sentAt,
    event: { kind: 'message', ...message, text: textOf(seq), mentions, at: sentAtIso },
  }
}

export function createNoticeFrame(seq: number, prev: number, user = bob): Frame {
  const { event } = createLoggedMessage(seq)
  const notice = { room, seq, prev, kind: 'message', event } as const
  const subject = `deliver.${user}.notify.${room}`
  return { user, room, at: sentAt, subject, notice, texts: [{ count: seq, room }] }
}

export function createAnswerFrame(requestedAt: number, count: number, user = bob): Frame {
  return { user, at: requestedAt + 10, requestedAt, subject: 'an answer', texts: [{ count, room }] }
}

export function createDeletion(seq: number): RoomEvent {
  const message = {
    ...targetOf(seq),
    sender: alice,
    clientId: `c-${seq}` as ClientId,
    at: sentAtIso,
  }
  return { kind: 'delete', room, by: alice, at: sentAtIso, message }
}

/**
 * Returns the evidence of a run without violations. In it, alice sends three messages. Bob marks
 * the first one as read, and reacts to the second one.
 */
export function createPassingRun() {
  const reacted = { kind: 'react', room, by: bob, at: sentAtIso, message: targetOf(2) } as const
  const reaction: RoomEvent = { ...reacted, emoji: '👍', on: true }
  const rows = [1, 2, 3].map((seq) => ({
    ...{ id: idOf(seq), room, seq, threadId: '' as MessageId | '', sender: alice },
    ...{ clientId: `c-${seq}` as ClientId, text: textOf(seq), mentions: seq === 3 ? [bob] : [] },
    isDeleted: false,
  }))
  const createView = () =>
    new Map(
      rows.map(({ id, seq, text }) => [
        id,
        {
          ...{ seq, text, threadId: '' as MessageId | '', isDeleted: false },
          reactions: new Set(seq === 2 ? ['bob 👍'] : []),
        },
      ]),
    )
  const joined = { action: 'join', start: 0, end: 1, isAcknowledged: true } as const
  const createIndex = () =>
    new Map([
      ['room-1', '{"kind":"private"}'],
      ['room-1.bob', '{"role":"member"}'],
    ])
  return {
    rooms: [{ id: room, kind: 'private' as const, isArchived: false }],
    log: [
      createLoggedMessage(1),
      createLoggedMessage(2),
      createLoggedMessage(3),
      { seq: 4, at: sentAt, event: reaction },
    ] as LogEntry[],
    rows,
    reactions: [{ messageId: idOf(2), userId: bob, emoji: '👍' }],
    versions: [] as Evidence['versions'],
    heads: [{ room, seq: 4 }],
    expectedIndex: createIndex(),
    index: createIndex(),
    storedMembers: new Set([`${room}.alice`, `${room}.bob`]),
    acks: rows.map(({ id, seq, clientId, text }) => ({
      user: alice,
      room,
      id,
      seq,
      clientId,
      text,
    })),
    changes: [
      ...[{ kind: 'react' as const, user: bob, room, id: idOf(2), seq: 4, at: sentAt }],
    ].map((change) => ({ ...change, emoji: '👍', on: true })) as Evidence['changes'],
    unbanOperations: [] as Evidence['unbanOperations'],
    membershipOperations: [
      { user: alice, room, ...joined },
      { user: bob, room, ...joined },
    ] as MembershipOperation[],
    archiveOperations: [] as Evidence['archiveOperations'],
    readOperations: [
      { user: bob, room, seq: 1, start: 2, end: 3, isAcknowledged: true },
    ] as Evidence['readOperations'],
    frames: [
      createNoticeFrame(1, 0),
      createNoticeFrame(2, 1),
      createNoticeFrame(3, 2),
      createAnswerFrame(sentAt, 3),
    ],
    pauses: [] as Evidence['pauses'],
    views: [alice, bob].map((user) => ({
      user,
      room,
      messages: createView(),
      violations: [] as string[],
    })),
    counts: [
      { user: bob, room, lastSeq: 4, readSeq: 1, unread: 2, mentions: 1 },
      { user: alice, room, lastSeq: 4, readSeq: 0, unread: 0, mentions: 0 },
    ],
    failedAfterFaults: [] as string[],
    crashes: [] as string[],
    deadLetters: [] as string[],
  } satisfies Evidence
}
