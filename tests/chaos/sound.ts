import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'
import type { Evidence, Frame, Logged, Move } from './evidence.ts'

export const [alice, bob, eve] = ['alice', 'bob', 'eve'] as UserId[] as [UserId, UserId, UserId]
export const room = 'room-1' as RoomId
/** When everything of importance was said. */
export const now = 1_000_000
export const at = new Date(now).toISOString()
export const idOf = (seq: number) => seq.toString(16).padStart(32, '0') as MessageId
const textOf = (seq: number) => `${seq} [in ${room}]`
const targetOf = (seq: number) => ({ notifyId: toNotifyId({ seq, id: idOf(seq) }) })

function said(seq: number): Logged {
  const message = { id: idOf(seq), room, sender: alice, clientId: `c-${seq}` as ClientId }
  const mentions = seq === 3 ? [bob] : []
  return { seq, at: now, event: { kind: 'message', ...message, text: textOf(seq), mentions, at } }
}

export function frame(seq: number, prev: number, user = bob): Frame {
  const { event } = said(seq)
  const notice = { room, seq, prev, kind: 'message', event } as const
  const subject = `deliver.${user}.notify.${room}`
  return { user, room, at: now, subject, notice, said: [{ count: seq, room }] }
}

export function answer(askedAt: number, count: number, user = bob): Frame {
  return { user, at: askedAt + 10, askedAt, subject: 'an answer', said: [{ count, room }] }
}

export function deletion(seq: number): RoomEvent {
  const message = { ...targetOf(seq), sender: alice, clientId: `c-${seq}` as ClientId, at }
  return { kind: 'delete', room, by: alice, at, message }
}

/** A run in which nothing failed: Alice says three things, of which Bob hears, reads the first, and likes the second. */
export function sound() {
  const reacted = { kind: 'react', room, by: bob, at, message: targetOf(2) } as const
  const put: RoomEvent = { ...reacted, emoji: '👍', on: true }
  const rows = [1, 2, 3].map((seq) => ({
    ...{ id: idOf(seq), room, seq, threadId: '' as const, sender: alice },
    ...{ clientId: `c-${seq}` as ClientId, text: textOf(seq), mentions: seq === 3 ? [bob] : [] },
    isDeleted: false,
  }))
  const view = () =>
    new Map(
      rows.map(({ id, seq, text }) => [
        id,
        {
          ...{ seq, text, threadId: '' as const, isDeleted: false },
          reactions: new Set(seq === 2 ? ['bob 👍'] : []),
        },
      ]),
    )
  const came = { way: 'in', start: 0, end: 1, isSure: true } as const
  const index = () =>
    new Map([
      ['room-1', '{"kind":"private"}'],
      ['room-1.bob', '{"role":"member"}'],
    ])
  return {
    rooms: [{ id: room, kind: 'private' as const, isArchived: false }],
    log: [said(1), said(2), said(3), { seq: 4, at: now, event: put }] as Logged[],
    rows,
    reactions: [{ messageId: idOf(2), userId: bob, emoji: '👍' }],
    versions: [] as Evidence['versions'],
    heads: [{ room, seq: 4 }],
    members: index(),
    index: index(),
    belonging: new Set([`${room}.alice`, `${room}.bob`]),
    acks: rows.map(({ id, seq, clientId, text }) => ({
      user: alice,
      room,
      id,
      seq,
      clientId,
      text,
    })),
    changes: [...[{ kind: 'react' as const, user: bob, room, id: idOf(2), seq: 4, at: now }]].map(
      (change) => ({ ...change, emoji: '👍', on: true }),
    ) as Evidence['changes'],
    moves: [
      { user: alice, room, ...came },
      { user: bob, room, ...came },
    ] as Move[],
    closings: [] as Evidence['closings'],
    readMarks: [
      { user: bob, room, seq: 1, start: 2, end: 3, isSure: true },
    ] as Evidence['readMarks'],
    frames: [frame(1, 0), frame(2, 1), frame(3, 2), answer(now, 3)],
    pauses: [] as Evidence['pauses'],
    views: [alice, bob].map((user) => ({ user, room, messages: view(), odd: [] as string[] })),
    counts: [
      { user: bob, room, lastSeq: 4, readSeq: 1, unread: 2, mentions: 1 },
      { user: alice, room, lastSeq: 4, readSeq: 0, unread: 0, mentions: 0 },
    ],
    calm: [] as string[],
    crashes: [] as string[],
    deadLetters: [] as string[],
  } satisfies Evidence
}
