import { describe, expect, it } from 'vitest'
import type { ClientId } from '#schema/ids'
import type { Logged, Move } from './evidence.ts'
import { alice, answer, at, bob, deletion, eve, frame, idOf, now, room, sound } from './sound.ts'
import { type checks, judge } from './verdict.ts'

type Sound = ReturnType<typeof sound>

/** What fails when that has become of it. */
function failing(change: (evidence: Sound) => unknown): string[] {
  const evidence = sound()
  change(evidence)
  return Object.entries(judge(evidence)).flatMap(([check, wrong]) =>
    wrong.length > 0 ? [check] : [],
  )
}

/** The first of a list, which is there. */
const first = <T>(all: readonly T[]): T => all[0] as T

const out = (start: number, more: Partial<Move> = {}): Move => ({
  ...{ user: bob, room, way: 'out', start, end: start + 100, isSure: true },
  ...more,
})

/** That bob came. */
const joined = (seq: number): Logged => {
  const event = { kind: 'member', action: 'join', room, userId: bob, by: bob, at } as const
  return { seq, at: now, event }
}

describe('the verdict', () => {
  it('finds nothing where all is well', () => {
    expect(failing(() => {})).toEqual([])
  })

  it.each<[string, keyof typeof checks, (evidence: Sound) => unknown]>([
    [
      'a message that the database lost',
      'every acknowledged message is in the log and in the database, once',
      ({ rows }) => rows.splice(1, 1),
    ],
    [
      'a message that the log lost',
      'every acknowledged message is in the log and in the database, once',
      ({ log }) => log.splice(1, 1),
    ],
    [
      'a message that is there twice',
      'every acknowledged message is in the log and in the database, once',
      ({ rows }) => rows.push({ ...first(rows), id: idOf(9) }),
    ],
    [
      'one that nobody was told of and that is there twice',
      'nothing was said twice',
      ({ acks, rows }) => {
        acks.length = 0
        rows.push({ ...first(rows), id: idOf(9), clientId: 'another' as ClientId })
      },
    ],
    [
      'an edit that was lost',
      'every acknowledged change has been made',
      ({ changes }) =>
        changes.push({ ...first(changes), kind: 'edit', user: alice, seq: 5, text: 'new' }),
    ],
    [
      'a deletion that was lost',
      'every acknowledged change has been made',
      ({ changes }) => changes.push({ ...first(changes), kind: 'delete', user: alice, seq: 5 }),
    ],
    ['a reaction that was lost', 'every acknowledged change has been made', ({ log }) => log.pop()],
    [
      'rows in another order than the log',
      'the database has of each room what the log has, in its order',
      ({ rows }) => {
        Object.assign(rows[0] ?? {}, { seq: 2 })
        Object.assign(rows[1] ?? {}, { seq: 1 })
      },
    ],
    [
      'a row that says something else',
      'the database has of each room what the log has, in its order',
      ({ rows }) => Object.assign(first(rows), { text: 'something else' }),
    ],
    [
      'a row that the log does not have',
      'the database has of each room what the log has, in its order',
      ({ rows }) => rows.push({ ...first(rows), id: idOf(9) }),
    ],
    [
      'a reaction that nobody put',
      'the database has of each room what the log has, in its order',
      ({ reactions }) => reactions.push({ messageId: idOf(1), userId: bob, emoji: '👍' }),
    ],
    [
      'a log that was not copied to its end',
      'the database has of each room what the log has, in its order',
      ({ heads }) => Object.assign(first(heads), { seq: 3 }),
    ],
    [
      'a message that a member does not see',
      'every member sees of a room what the log has, in its order',
      ({ views }) => first(views).messages.delete(idOf(2)),
    ],
    [
      'one that a member sees and nobody said',
      'every member sees of a room what the log has, in its order',
      ({ views }) => {
        const [message] = first(views).messages.values()
        if (message) first(views).messages.set(idOf(9), message)
      },
    ],
    [
      'messages that a member sees in another order',
      'every member sees of a room what the log has, in its order',
      ({ views }) => {
        const { messages } = first(views)
        Object.assign(messages.get(idOf(1)) ?? {}, { seq: 2 })
        Object.assign(messages.get(idOf(2)) ?? {}, { seq: 1 })
      },
    ],
    [
      'a text that a member sees as it was',
      'every member sees of a room what the log has, in its order',
      ({ views }) => Object.assign(first(views).messages.get(idOf(1)) ?? {}, { text: 'old' }),
    ],
    [
      'a reaction that a member does not see',
      'every member sees of a room what the log has, in its order',
      ({ views }) => first(views).messages.get(idOf(2))?.reactions.clear(),
    ],
    [
      'a page that is not in order',
      'every member sees of a room what the log has, in its order',
      ({ views }) => first(views).odd.push('a page after 5 has 4'),
    ],
    [
      'an event that was passed over',
      'what is told is what the log has, and names the event before it',
      ({ frames }) => frames.push(frame(3, 1)),
    ],
    [
      'an event that was told wrongly',
      'what is told is what the log has, and names the event before it',
      ({ frames }) => {
        const wrong = frame(3, 2)
        Object.assign(wrong.notice?.event ?? {}, { sender: eve })
        frames.push(wrong)
      },
    ],
    [
      'what a stranger was told',
      'nobody received what they may not see',
      ({ frames }) => frames.push(frame(3, 2, eve)),
    ],
    [
      'what a stranger read',
      'nobody received what they may not see',
      ({ frames }) => frames.push(answer(now, 3, eve)),
    ],
    [
      'what somebody was told who had been removed',
      'nobody received what they may not see',
      ({ moves }) => moves.push(out(now - 5_000)),
    ],
    [
      'what was said after somebody went, in an answer that they asked for before',
      'nobody received what they may not see',
      ({ moves, frames }) => {
        frames.splice(0, 3)
        moves.push(out(now - 5_000))
        Object.assign(first(frames), { askedAt: now - 5_050 })
      },
    ],
    [
      'what was told of an archived room',
      'nobody received what they may not see',
      ({ closings }) => closings.push({ ...out(now - 5_000), way: 'out' }),
    ],
    [
      'what somebody hears of a public room that they were kicked from',
      'nobody received what they may not see',
      ({ rooms, moves }) => {
        Object.assign(first(rooms), { kind: 'public' })
        moves.push(out(now - 5_000, { isKick: true }))
      },
    ],
    [
      'who is writing in a room, told to a stranger',
      'nobody received what they may not see',
      ({ frames }) =>
        frames.push({ user: eve, room, at: now, subject: `deliver.eve.typing.${room}`, said: [] }),
    ],
    [
      'a deleted text in the log',
      'what was deleted is nowhere any more',
      ({ log }) => log.push({ seq: 5, at: now, event: deletion(1) }),
    ],
    [
      'a deleted text in an answer',
      'what was deleted is nowhere any more',
      ({ log, changes, frames }) => {
        log.splice(0, 1)
        log.push({ seq: 5, at: now, event: deletion(1) })
        changes.push({ kind: 'delete', user: alice, room, id: idOf(1), seq: 5, at: now })
        frames.push(answer(now + 5_000, 1))
      },
    ],
    [
      'somebody who went and is there',
      'who came is there, and who went is not',
      ({ moves }) => moves.push(out(now + 5_000)),
    ],
    [
      'somebody who came and is not there',
      'who came is there, and who went is not',
      ({ belonging }) => belonging.delete(`${room}.bob`),
    ],
    [
      'a wrong count',
      'unread and mention counts are right',
      ({ counts }) => Object.assign(first(counts), { unread: 1 }),
    ],
    [
      'a wrong count of mentions',
      'unread and mention counts are right',
      ({ counts }) => Object.assign(first(counts), { mentions: 0 }),
    ],
    [
      'a place that nobody has read to',
      'unread and mention counts are right',
      ({ readMarks }) => Object.assign(first(readMarks), { seq: 2 }),
    ],
    [
      'a place beyond where somebody came in',
      'unread and mention counts are right',
      ({ log, readMarks, counts }) => {
        readMarks.length = 0
        log.splice(2, 0, joined(2.5))
        Object.assign(first(counts), { readSeq: 3, unread: 0, mentions: 0 })
      },
    ],
    [
      'a member who is not in the index',
      'the live index is as the database has it',
      ({ index }) => index.delete('room-1.bob'),
    ],
    [
      'a stranger in the index',
      'the live index is as the database has it',
      ({ index }) => index.set('room-1.eve', '{"role":"member"}'),
    ],
    [
      'a role that is another in the index',
      'the live index is as the database has it',
      ({ index }) => index.set('room-1.bob', '{"role":"owner"}'),
    ],
    [
      'a function that answers no more',
      'once nothing fails any more, everything is answered',
      ({ calm }) => calm.push('msg.edit unavailable: 3 times'),
    ],
    [
      'a process that ended by itself',
      'no process ended by itself, and none failed for reasons of its own',
      ({ crashes }) => crashes.push('runtime-0 ended by itself: exit code 1'),
    ],
    [
      'a dead letter',
      'nothing was given up',
      ({ deadLetters }) => deadLetters.push('chat.room-1 is in the dead letters: why'),
    ],
  ])('finds %s', (_what, check, change) => {
    expect(failing(change)).toContain(check)
  })

  it.each<[string, (evidence: Sound) => unknown]>([
    [
      'what was heard within a second after somebody was removed',
      ({ moves, belonging }) => {
        moves.push(out(now - 600))
        belonging.delete(`${room}.bob`)
      },
    ],
    [
      'what somebody hears late of the time when they were there',
      ({ moves, belonging, frames }) => {
        moves.push(out(now + 200))
        belonging.delete(`${room}.bob`)
        for (const heard of frames) heard.at = now + 9_000
      },
    ],
    [
      'what is told to somebody who may have come back',
      ({ moves }) =>
        moves.push(out(now - 5_000), {
          ...{ user: bob, room, way: 'in', isSure: false },
          ...{ start: now - 4_000, end: now + 16_000 },
        }),
    ],
    [
      'what everybody may hear of a public room',
      ({ rooms, frames }) => {
        Object.assign(first(rooms), { kind: 'public' })
        frames.push(frame(3, 2, eve))
      },
    ],
    [
      'that somebody is told of their own removal',
      ({ frames, moves, belonging, log, heads }) => {
        moves.push(out(now - 5_000))
        belonging.delete(`${room}.bob`)
        const action = 'kick' as const
        const event = { kind: 'member', room, by: alice, at, userId: bob, action } as const
        log.push({ seq: 5, at: now, event })
        Object.assign(first(heads), { seq: 5 })
        const notice = { room, seq: 5, prev: 4, kind: 'member', event } as const
        const subject = `deliver.bob.notify.${room}`
        frames.length = 0
        frames.push({ user: bob, room, at: now, subject, notice, said: [] })
      },
    ],
    [
      'that somebody begins where the room was when they came',
      ({ log, heads, readMarks, counts }) => {
        readMarks.length = 0
        log.push(joined(5))
        Object.assign(first(heads), { seq: 5 })
        Object.assign(first(counts), { readSeq: 2, unread: 1, mentions: 1 })
      },
    ],
    [
      'a place that was read to by a request without an answer',
      ({ readMarks, counts }) => {
        readMarks.push({ ...first(readMarks), seq: 3, start: 4, end: 20_004, isSure: false })
        Object.assign(first(counts), { readSeq: 3, unread: 0, mentions: 0 })
      },
    ],
  ])('accepts %s', (_what, change) => {
    expect(failing(change)).toEqual([])
  })
})
