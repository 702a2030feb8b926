import { describe, expect, it } from 'vitest'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { Placed } from '#schema/messages/log'
import type { Evidence, Frame } from './chaos/evidence.ts'
import { runChaos } from './chaos/run.ts'
import { judge } from './chaos/verdict.ts'
import type { DatabaseKind } from './servers.ts'

const fresh = Date.now() % 2 ** 31

describe('people who use the whole system while parts of it fail', () => {
  it.each<[DatabaseKind, number]>([
    ['postgres', fresh],
    ['pglite', 7],
  ])(
    'lose nothing, see nothing they may not, on %s with seed %i',
    { timeout: 180_000 },
    async (database, seed) => {
      const { verdict, answers, faults } = await runChaos({
        seed,
        database,
        ms: 12_000,
        databaseAwayMs: 2_000,
        faults: [
          'runtime killed',
          'message delivered again',
          'database away',
          'nats killed',
          'runtime paused',
        ],
      })

      expect(verdict).toEqual(Object.fromEntries(Object.keys(verdict).map((check) => [check, []])))
      // Something did happen.
      expect(answers['send ok']).toBeGreaterThan(50)
      expect(faults.length).toBeGreaterThan(2)
    },
  )
})

describe('the verdict', () => {
  const [alice, bob] = ['alice' as UserId, 'bob' as UserId]
  const [room, other] = ['room-1' as RoomId, 'room-2' as RoomId]
  const at = new Date(1_000_000).toISOString()
  const idOf = (seq: number) => seq.toString(16).padStart(32, '0') as MessageId

  function said(seq: number, where = room): Placed {
    const clientId = `client-${seq}` as ClientId
    const message = { id: idOf(seq), room: where, sender: alice, clientId, text: `text ${seq}` }
    return { seq, event: { kind: 'message', ...message, mentions: seq === 3 ? [bob] : [], at } }
  }

  function frame(seq: number, prev: number, user = bob): Frame {
    const { event } = said(seq)
    const notice = { room, seq, prev, kind: 'message', event } as const
    return { user, room, at: 1_000_000, subject: `deliver.${user}.notify.${room}`, notice }
  }

  /** Three messages of alice, which bob has heard, and read the first of. */
  function sound(): Evidence {
    const log = [said(1), said(2), said(3)]
    const rows = [1, 2, 3].map((seq) => ({
      ...{ id: idOf(seq), room, seq, threadId: '' as const, sender: alice },
      ...{ clientId: `client-${seq}` as ClientId, text: `text ${seq}`, isDeleted: false },
    }))
    const shown = new Map(rows.map(({ id, text }) => [id, { text, isDeleted: false }]))
    const came = { way: 'in', start: 0, end: 1, isSure: true } as const
    return {
      rooms: [{ id: room, kind: 'private', isArchived: false }],
      log,
      rows,
      reactions: [],
      members: [`${room}.alice`, `${room}.bob`],
      index: [`${room}.alice`, `${room}.bob`],
      acks: rows.map(({ id, seq, clientId, text }) => ({
        user: alice,
        room,
        id,
        seq,
        clientId,
        text,
      })),
      moves: [
        { user: alice, room, ...came },
        { user: bob, room, ...came },
      ],
      frames: [frame(1, 0), frame(2, 1), frame(3, 2)],
      reads: [{ user: bob, room, at: 1_000_000, by: 'chat.history' }],
      views: [
        { user: alice, room, messages: new Map(shown) },
        { user: bob, room, messages: new Map(shown) },
      ],
      counts: [
        { user: bob, room, readSeq: 1, unread: 2, mentions: 1 },
        { user: alice, room, readSeq: 0, unread: 0, mentions: 0 },
      ],
      deadLetters: 0,
    }
  }

  function failing(change: (evidence: Evidence) => void): string[] {
    const evidence = sound()
    change(evidence)
    return Object.entries(judge(evidence)).flatMap(([check, wrong]) =>
      wrong.length > 0 ? [check] : [],
    )
  }

  it('finds nothing where all is well', () => {
    expect(failing(() => {})).toEqual([])
  })

  const lost = 'every acknowledged message is in the log and in the database, once'
  const rows = 'the database has of each room what the log has, in its order'
  const views = 'every member sees of a room what the log has'
  const chains = 'what is told names the event before it'
  const leaks = 'nobody received what they may not see'
  const counts = 'unread and mention counts are right'
  const index = 'the live index has the members that the database has'

  it.each<[string, string, (evidence: Evidence) => void]>([
    ['a message that the database lost', lost, ({ rows }) => rows.splice(1, 1)],
    ['a message that the log lost', lost, ({ log }) => log.splice(1, 1)],
    [
      'a message that is there twice',
      lost,
      ({ rows }) => rows.push({ ...rows[0], id: idOf(9) } as never),
    ],
    ['a message at another place', rows, ({ rows }) => Object.assign(rows[1] ?? {}, { seq: 9 })],
    [
      'a message that says something else',
      rows,
      ({ rows }) => Object.assign(rows[1] ?? {}, { text: 'x' }),
    ],
    [
      'a reaction that nobody put',
      rows,
      ({ reactions }) => reactions.push({ messageId: idOf(1), userId: bob, emoji: '👍' }),
    ],
    [
      'a deleted message that is still there',
      rows,
      ({ log }) => {
        const message = {
          notifyId: toNotifyId({ seq: 1, id: idOf(1) }),
          sender: alice,
          clientId: 'c' as ClientId,
          at,
        }
        log.push({ seq: 4, event: { kind: 'delete', room, by: alice, at, message } })
      },
    ],
    ['a message that a member does not see', views, (it) => it.views[1]?.messages.delete(idOf(2))],
    [
      'a message that a member sees and nobody said',
      views,
      (it) => it.views[1]?.messages.set(idOf(9), { text: 'x', isDeleted: false }),
    ],
    ['an event that was passed over', chains, ({ frames }) => frames.push(frame(3, 1))],
    ['a frame for a stranger', leaks, ({ frames }) => frames.push(frame(3, 2, 'eve' as UserId))],
    [
      'a frame for somebody who was removed before',
      leaks,
      ({ moves }) =>
        moves.push({ user: bob, room, way: 'out', start: 990_000, end: 990_100, isSure: true }),
    ],
    [
      'what a stranger read',
      leaks,
      ({ reads }) => reads.push({ user: bob, room: other, at: 1_000_000, by: 'msg.get' }),
    ],
    ['a wrong count', counts, (it) => Object.assign(it.counts[0] ?? {}, { unread: 1 })],
    [
      'a wrong count of mentions',
      counts,
      (it) => Object.assign(it.counts[0] ?? {}, { mentions: 0 }),
    ],
    ['a member who is not in the index', index, (it) => it.index.pop()],
    ['somebody in the index who is no member', index, (it) => it.index.push(`${room}.eve`)],
    ['what was given up', 'nothing was given up', (it) => Object.assign(it, { deadLetters: 1 })],
  ])('finds %s', (_name, check, change) => {
    expect(failing(change)).toContain(check)
  })

  it.each<[string, number, number]>([
    ['is still let hear it for a second after they were removed', 999_500, 999_600],
    ['is let hear what was said before', 1_500_000, 1_500_100],
  ])('%s', (_name, start, end) => {
    const removed = { user: bob, room, way: 'out', start, end, isSure: true } as const
    expect(failing(({ moves }) => moves.push(removed))).toEqual([])
  })
})
