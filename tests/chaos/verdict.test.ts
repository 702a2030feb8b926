import { describe, expect, it } from 'vitest'
import type { ClientId, UserId } from '#schema/ids'
import type { LogEntry, MembershipOperation } from './evidence.ts'
import {
  alice,
  bob,
  createAnswerFrame,
  createDeletion,
  createNoticeFrame,
  createPassingRun,
  eve,
  idOf,
  room,
  sentAt,
  sentAtIso,
} from './passing-run.ts'
import { checkEvidence, type checks } from './verdict.ts'

type PassingRun = ReturnType<typeof createPassingRun>

function findFailingChecks(change: (evidence: PassingRun) => unknown): string[] {
  const evidence = createPassingRun()
  change(evidence)
  return Object.entries(checkEvidence(evidence)).flatMap(([check, violations]) =>
    violations.length > 0 ? [check] : [],
  )
}

const first = <T>(all: readonly T[]): T => all[0] as T

const leave = (start: number, more: Partial<MembershipOperation> = {}): MembershipOperation => ({
  ...{ user: bob, room, action: 'leave', start, end: start + 100, isAcknowledged: true },
  ...more,
})

const createJoin = (seq: number): LogEntry => {
  const event = {
    kind: 'member',
    action: 'join',
    room,
    userId: bob,
    by: bob,
    at: sentAtIso,
  } as const
  return { seq, at: sentAt, event }
}

describe('checkEvidence', () => {
  it('finds no violation in a passing run', () => {
    expect(findFailingChecks(() => {})).toEqual([])
  })

  it.each<[string, keyof typeof checks, (evidence: PassingRun) => unknown]>([
    [
      'an acknowledged message missing in the database',
      'every acknowledged message is in the log and in the database, exactly once',
      ({ rows }) => rows.splice(1, 1),
    ],
    [
      'an acknowledged message missing in the log',
      'every acknowledged message is in the log and in the database, exactly once',
      ({ log }) => log.splice(1, 1),
    ],
    [
      'an acknowledged message stored twice',
      'every acknowledged message is in the log and in the database, exactly once',
      ({ rows }) => rows.push({ ...first(rows), id: idOf(9) }),
    ],
    [
      'an unacknowledged message stored twice',
      'no message is stored twice',
      ({ acks, rows }) => {
        acks.length = 0
        rows.push({ ...first(rows), id: idOf(9), clientId: 'another' as ClientId })
      },
    ],
    [
      'a lost edit',
      'every acknowledged edit, deletion and reaction is applied',
      ({ changes }) =>
        changes.push({ ...first(changes), kind: 'edit', user: alice, seq: 5, text: 'new' }),
    ],
    [
      'a lost deletion',
      'every acknowledged edit, deletion and reaction is applied',
      ({ changes }) => changes.push({ ...first(changes), kind: 'delete', user: alice, seq: 5 }),
    ],
    [
      'a lost reaction',
      'every acknowledged edit, deletion and reaction is applied',
      ({ log }) => log.pop(),
    ],
    [
      'rows in a different order than the log',
      'the database matches the log in content and order',
      ({ rows }) => {
        Object.assign(rows[0] ?? {}, { seq: 2 })
        Object.assign(rows[1] ?? {}, { seq: 1 })
      },
    ],
    [
      'a row with a different text',
      'the database matches the log in content and order',
      ({ rows }) => Object.assign(first(rows), { text: 'something else' }),
    ],
    [
      'a row that is not in the log',
      'the database matches the log in content and order',
      ({ rows }) => rows.push({ ...first(rows), id: idOf(9) }),
    ],
    [
      'a stored reaction that is not in the log',
      'the database matches the log in content and order',
      ({ reactions }) => reactions.push({ messageId: idOf(1), userId: bob, emoji: '👍' }),
    ],
    [
      'a room whose last events are not persisted',
      'the database matches the log in content and order',
      ({ heads }) => Object.assign(first(heads), { seq: 3 }),
    ],
    [
      "a message missing in a member's view",
      "every member's view of a room matches the log in content and order",
      ({ views }) => first(views).messages.delete(idOf(2)),
    ],
    [
      "a message in a member's view that is not in the log",
      "every member's view of a room matches the log in content and order",
      ({ views }) => {
        const [message] = first(views).messages.values()
        if (message) first(views).messages.set(idOf(9), message)
      },
    ],
    [
      'messages in a different order in a view',
      "every member's view of a room matches the log in content and order",
      ({ views }) => {
        const { messages } = first(views)
        Object.assign(messages.get(idOf(1)) ?? {}, { seq: 2 })
        Object.assign(messages.get(idOf(2)) ?? {}, { seq: 1 })
      },
    ],
    [
      'an outdated text in a view',
      "every member's view of a room matches the log in content and order",
      ({ views }) => Object.assign(first(views).messages.get(idOf(1)) ?? {}, { text: 'old' }),
    ],
    [
      'a reaction missing in a view',
      "every member's view of a room matches the log in content and order",
      ({ views }) => first(views).messages.get(idOf(2))?.reactions.clear(),
    ],
    [
      'a history page that is out of order',
      "every member's view of a room matches the log in content and order",
      ({ views }) => first(views).violations.push('a page after 5 has 4'),
    ],
    [
      'a notice that skips an event',
      'every notice matches the log and names the previous event',
      ({ frames }) => frames.push(createNoticeFrame(3, 1)),
    ],
    [
      'a notice whose event differs from that in the log',
      'every notice matches the log and names the previous event',
      ({ frames }) => {
        const wrong = createNoticeFrame(3, 2)
        Object.assign(wrong.notice?.event ?? {}, { sender: eve })
        frames.push(wrong)
      },
    ],
    [
      'an event pushed to a non-member',
      'no user receives events or texts of a room without access',
      ({ frames }) => frames.push(createNoticeFrame(3, 2, eve)),
    ],
    [
      'a text in an answer to a non-member',
      'no user receives events or texts of a room without access',
      ({ frames }) => frames.push(createAnswerFrame(sentAt, 3, eve)),
    ],
    [
      'an event pushed to a removed member',
      'no user receives events or texts of a room without access',
      ({ membershipOperations }) => membershipOperations.push(leave(sentAt - 5_000)),
    ],
    [
      'an answer to a removed member with a text that was sent after the removal',
      'no user receives events or texts of a room without access',
      ({ membershipOperations, frames }) => {
        frames.splice(0, 3)
        membershipOperations.push(leave(sentAt - 5_000))
        Object.assign(first(frames), { requestedAt: sentAt - 5_050 })
      },
    ],
    [
      'an event that is pushed long after its room was archived',
      'no user receives events or texts of a room without access',
      ({ archiveOperations }) =>
        archiveOperations.push({ ...leave(sentAt - 5_000), action: 'archive' }),
    ],
    [
      'an event of a public room pushed to a kicked user',
      'no user receives events or texts of a room without access',
      ({ rooms, membershipOperations }) => {
        Object.assign(first(rooms), { kind: 'public' })
        membershipOperations.push(leave(sentAt - 5_000, { isKick: true }))
      },
    ],
    [
      'a typing event pushed to a non-member',
      'no user receives events or texts of a room without access',
      ({ frames }) =>
        frames.push({
          user: eve,
          room,
          at: sentAt,
          subject: `deliver.eve.typing.${room}`,
          texts: [],
        }),
    ],
    [
      'the text of a deleted message in the log',
      'deleted texts are erased from the log, the database and answers',
      ({ log }) => log.push({ seq: 5, at: sentAt, event: createDeletion(1) }),
    ],
    [
      'the text of a deleted message in an answer five seconds after the deletion',
      'deleted texts are erased from the log, the database and answers',
      ({ log, changes, frames }) => {
        log.splice(0, 1)
        log.push({ seq: 5, at: sentAt, event: createDeletion(1) })
        changes.push({ kind: 'delete', user: alice, room, id: idOf(1), seq: 5, at: sentAt })
        frames.push(createAnswerFrame(sentAt + 5_000, 1))
      },
    ],
    [
      'a member who left but is still stored',
      'the members match the acknowledged joins and leaves',
      ({ membershipOperations }) => membershipOperations.push(leave(sentAt + 5_000)),
    ],
    [
      'a member who joined but is not stored',
      'the members match the acknowledged joins and leaves',
      ({ storedMembers }) => storedMembers.delete(`${room}.bob`),
    ],
    [
      'a wrong unread count',
      'unread and mention counts are correct',
      ({ counts }) => Object.assign(first(counts), { unread: 1 }),
    ],
    [
      'a wrong mention count',
      'unread and mention counts are correct',
      ({ counts }) => Object.assign(first(counts), { mentions: 0 }),
    ],
    [
      'a read position that no call set',
      'unread and mention counts are correct',
      ({ readOperations }) => Object.assign(first(readOperations), { seq: 2 }),
    ],
    [
      'a new member whose read position is above their join event',
      'unread and mention counts are correct',
      ({ log, readOperations, counts }) => {
        readOperations.length = 0
        log.splice(2, 0, createJoin(2.5))
        Object.assign(first(counts), { readSeq: 3, unread: 0, mentions: 0 })
      },
    ],
    [
      'a member missing in the member index',
      'the live index matches the database',
      ({ index }) => index.delete('room-1.bob'),
    ],
    [
      'a non-member in the member index',
      'the live index matches the database',
      ({ index }) => index.set('room-1.eve', '{"role":"member"}'),
    ],
    [
      'a different role in the member index',
      'the live index matches the database',
      ({ index }) => index.set('room-1.bob', '{"role":"owner"}'),
    ],
    [
      'a function that is still unavailable after the last fault',
      'after the last fault, every call is answered or rejected as intended',
      ({ failedAfterFaults }) => failedAfterFaults.push('msg.edit unavailable: 3 times'),
    ],
    [
      'a process that exits unexpectedly',
      'no process exits unexpectedly, and no call fails with internal',
      ({ crashes }) => crashes.push('runtime-0 exited unexpectedly: exit code 1'),
    ],
    [
      'a dead letter',
      'no message is dead-lettered',
      ({ deadLetters }) => deadLetters.push('chat.room-1 is dead-lettered: reason'),
    ],
  ])('finds %s', (_title, check, change) => {
    expect(findFailingChecks(change)).toContain(check)
  })

  it.each<[string, (evidence: PassingRun) => unknown]>([
    [
      'an event that arrives within a second after a removal',
      ({ membershipOperations, storedMembers }) => {
        membershipOperations.push(leave(sentAt - 600))
        storedMembers.delete(`${room}.bob`)
      },
    ],
    [
      'an event that was stored before a removal and arrives long after the removal',
      ({ membershipOperations, storedMembers, frames }) => {
        membershipOperations.push(leave(sentAt + 200))
        storedMembers.delete(`${room}.bob`)
        for (const late of frames) late.at = sentAt + 9_000
      },
    ],
    [
      'an event for a removed user whose later join is unacknowledged',
      ({ membershipOperations }) =>
        membershipOperations.push(leave(sentAt - 5_000), {
          ...{ user: bob, room, action: 'join', isAcknowledged: false },
          ...{ start: sentAt - 4_000, end: sentAt + 16_000 },
        }),
    ],
    [
      'an event of a public room pushed to a non-member',
      ({ rooms, frames }) => {
        Object.assign(first(rooms), { kind: 'public' })
        frames.push(createNoticeFrame(3, 2, eve))
      },
    ],
    [
      'an event of a public room pushed to a kicked user whose ban was lifted',
      ({ rooms, membershipOperations, unbanOperations, storedMembers }) => {
        Object.assign(first(rooms), { kind: 'public' })
        const { action: _, ...lifted } = leave(sentAt - 2_000)
        membershipOperations.push(leave(sentAt - 5_000, { isKick: true }))
        unbanOperations.push(lifted)
        storedMembers.delete(`${room}.bob`)
      },
    ],
    [
      "the notice of a user's own removal",
      ({ frames, membershipOperations, storedMembers, log, heads }) => {
        membershipOperations.push(leave(sentAt - 5_000))
        storedMembers.delete(`${room}.bob`)
        const action = 'kick' as const
        const event = {
          kind: 'member',
          room,
          by: alice,
          at: sentAtIso,
          userId: bob,
          action,
        } as const
        log.push({ seq: 5, at: sentAt, event })
        Object.assign(first(heads), { seq: 5 })
        const notice = { room, seq: 5, prev: 4, kind: 'member', event } as const
        const subject = `deliver.bob.notify.${room}`
        frames.length = 0
        frames.push({ user: bob, room, at: sentAt, subject, notice, texts: [] })
      },
    ],
    [
      'a new member whose read position is below their join event',
      ({ log, heads, readOperations, counts }) => {
        readOperations.length = 0
        log.push(createJoin(5))
        Object.assign(first(heads), { seq: 5 })
        Object.assign(first(counts), { readSeq: 2, unread: 1, mentions: 1 })
      },
    ],
    [
      'a mention in a thread that the user has marked as read by a reply',
      ({ log, heads, rows, views }) => {
        const reply = (seq: number, sender: UserId, mentions: UserId[]) => {
          const message = { id: idOf(seq), room, sender, threadId: idOf(1), mentions }
          const clientId = `c-${seq}` as ClientId
          const text = `${seq} [in ${room}]`
          const event = { kind: 'message', ...message, clientId, text, at: sentAtIso } as const
          log.push({ seq, at: sentAt, event })
          rows.push({ ...message, seq, clientId, text, isDeleted: false })
        }
        reply(5, alice, [bob])
        reply(6, bob, [])
        Object.assign(first(heads), { seq: 6 })
        for (const { messages } of views)
          for (const { id, seq, text } of rows.slice(-2))
            messages.set(id, { ...first([...messages.values()]), seq, text, threadId: idOf(1) })
      },
    ],
    [
      'a read position that was set by a call without an answer',
      ({ readOperations, counts }) => {
        readOperations.push({
          ...first(readOperations),
          seq: 3,
          start: 4,
          end: 20_004,
          isAcknowledged: false,
        })
        Object.assign(first(counts), { readSeq: 3, unread: 0, mentions: 0 })
      },
    ],
  ])('accepts %s', (_title, change) => {
    expect(findFailingChecks(change)).toEqual([])
  })
})
