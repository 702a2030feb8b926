import {
  and,
  asc,
  count,
  desc,
  eq,
  inArray,
  isNotNull,
  isNull,
  lte,
  ne,
  notExists,
} from 'drizzle-orm'
import * as v from 'valibot'
import {
  action,
  defineApp,
  ensure,
  inRoom,
  integer,
  query,
  type Reader,
  type RoomChange,
  scheduled,
  text,
} from '#app/server'
import type { RoomId, UserId } from '#schema/ids'
import { members } from '#schema/tables/room'
import { deactivations } from '#schema/tables/user'
import { isTimeZone, localDay, nextOpening } from './opening.ts'
import { answers, settings, standups } from './tables.ts'
import { closedCard, openedCard } from './words/cards.ts'

const [maxText, maxPast] = [2_000, 5]
const Day = v.pipe(v.string(), v.isoDate())
const Answer = text(maxText)
const OptionalAnswer = text(maxText, 0)

/** Sets when standups open, and for how long. Without a day, no standup opens. */
const configure = action(
  {
    time: v.pipe(v.string(), v.isoTime()),
    timeZone: v.pipe(v.string(), v.maxLength(64), v.check(isTimeZone, 'Unknown time zone')),
    days: v.pipe(v.array(integer(1, 7)), v.maxLength(7)),
    minutes: integer(5, 1_440),
  },
  async ({ room, may, data, db, tell }) => {
    ensure(may('moderate'), 'forbidden', 'Only moderators may change the settings')
    const opensAt = nextOpening(data, new Date()) ?? null
    const row = { ...data, opensAt }
    const inserted = db.insert(settings).values({ room, ...row })
    await inserted.onConflictDoUpdate({ target: settings.room, set: row })
    tell()
  },
)

/** Stores the caller's draft. Has no effect on answers that were submitted. */
const save = action(
  { day: Day, done: OptionalAnswer, next: OptionalAnswer, blockers: OptionalAnswer },
  async ({ room, user, data, db }) => {
    await lockOpen(room, data.day, db)
    const { day, ...set } = data
    const inserted = db.insert(answers).values({ room, user, ...data })
    await inserted.onConflictDoUpdate({
      target: [answers.room, answers.day, answers.user],
      set,
      setWhere: isNull(answers.submittedAt),
    })
  },
)

/** Submits the caller's answers, or replaces them. The standup ends when all who may answer have answered. */
const submit = action(
  { day: Day, done: Answer, next: Answer, blockers: OptionalAnswer },
  async ({ room, user, data, ...change }) => {
    const { db, tell } = change
    await lockOpen(room, data.day, db)
    const { day, ...texts } = data
    const set = { ...texts, submittedAt: new Date() }
    const inserted = db.insert(answers).values({ room, user, day, ...set })
    await inserted.onConflictDoUpdate({ target: [answers.room, answers.day, answers.user], set })
    const { answered, members } = await countAnswers(room, day, db)
    if (answered >= members) await close(room, day, change)
    tell()
  },
)

/** Returns the settings, the open standup with the caller's answers, and the newest summaries. */
const state = query({}, async ({ room, user, db }) => {
  const [set] = await db.select().from(settings).where(inRoom(settings, room))
  const ofRoom = db.select().from(standups).where(inRoom(standups, room))
  const [newest, ...older] = await ofRoom.orderBy(desc(standups.day)).limit(maxPast + 1)
  const open = newest && !newest.closedAt ? newest : undefined
  const past = newest && newest !== open ? [newest, ...older].slice(0, maxPast) : older
  const days = past.map(({ day }) => day)
  const submitted = await db
    .select()
    .from(answers)
    .where(and(inRoom(answers, room), inArray(answers.day, days), isNotNull(answers.submittedAt)))
    .orderBy(asc(answers.submittedAt))
  return {
    settings: set && { ...set, opensAt: set.opensAt ?? undefined },
    open: open && {
      day: open.day,
      closesAt: open.closesAt,
      ...(await countAnswers(room, open.day, db)),
      mine: await readOwn(room, open.day, user, db),
    },
    past: past.map(({ day, members }) => ({
      day,
      members,
      answers: submitted
        .filter((answer) => answer.day === day)
        .map(({ user, done, next, blockers }) => ({ user, done, next, blockers })),
    })),
  }
})

/** Opens and closes the standups that are due. */
const clock = scheduled(
  {
    everyMs: 2_000,
    rooms: async ({ db, at }) => {
      const opening = db.select({ room: settings.room }).from(settings)
      const closing = db.select({ room: standups.room }).from(standups)
      const due = [
        ...(await opening.where(lte(settings.opensAt, at))),
        ...(await closing.where(isDue(at))),
      ]
      return [...new Set(due.map(({ room }) => room))]
    },
  },
  async ({ room, at, ...change }) => {
    await open(room, at, change)
    const due = change.db.select({ day: standups.day }).from(standups)
    for (const { day } of await due.where(and(inRoom(standups, room), isDue(at))).for('update'))
      await close(room, day, change)
  },
)

export default defineApp({
  id: 'standup',
  name: 'Standup',
  version: '1.0.0',
  needs: ['post'],
  actions: { configure, save, submit, state },
  schedules: { clock },
})

const isDue = (at: Date) => and(isNull(standups.closedAt), lte(standups.closesAt, at))

/**
 * Opens the standup of a room if it is due, and ends an earlier one that is still open. Skips a
 * standup whose end has already passed: no process ran while it should have been open.
 */
async function open(room: RoomId, at: Date, change: RoomChange) {
  const { db, tell, post } = change
  const isSet = and(inRoom(settings, room), lte(settings.opensAt, at))
  const [due] = await db.select().from(settings).where(isSet).for('update')
  if (!due?.opensAt) return
  const opensAt = nextOpening(due, at) ?? null
  await db.update(settings).set({ opensAt }).where(inRoom(settings, room))
  const closesAt = new Date(due.opensAt.getTime() + due.minutes * 60_000)
  if (closesAt <= at) return
  const day = localDay(due.opensAt, due.timeZone)
  const isOpen = inRoom(standups, room, { closedAt: null })
  const earlier = await db.select().from(standups).where(isOpen).for('update')
  const opened = db.insert(standups).values({ room, day, closesAt }).onConflictDoNothing()
  if ((await opened.returning()).length === 0) return
  for (const standup of earlier) await close(room, standup.day, change)
  post(openedCard(closesAt, due.timeZone), { key: `opened ${day}` })
  tell()
}

/** Ends a standup, deletes the drafts, and posts how many members have answered. */
async function close(room: RoomId, day: string, { db, tell, post }: RoomChange) {
  const counts = await countAnswers(room, day, db)
  await db.delete(answers).where(inRoom(answers, room, { day, submittedAt: null }))
  const set = { closedAt: new Date(), members: counts.members }
  await db
    .update(standups)
    .set(set)
    .where(inRoom(standups, room, { day }))
  post(closedCard(day, counts), { key: `closed ${day}` })
  tell()
}

/** Locks an open standup, so that only one call ends it. Throws `conflict` if it is not open. */
async function lockOpen(room: RoomId, day: string, db: RoomChange['db']) {
  const isOpenToday = inRoom(standups, room, { day, closedAt: null })
  const [standup] = await db.select().from(standups).where(isOpenToday).for('update')
  ensure(standup, 'conflict', 'The standup is over')
}

/**
 * Counts the members who have answered, and all who may answer. Guests, deactivated users, and
 * users who have not accepted a message request may not answer.
 */
async function countAnswers(room: RoomId, day: string, db: Reader) {
  const isSubmitted = and(inRoom(answers, room, { day }), isNotNull(answers.submittedAt))
  const mayAnswer = and(
    eq(members.room, room),
    ne(members.role, 'guest'),
    eq(members.isRequest, false),
    notExists(db.select().from(deactivations).where(eq(deactivations.userId, members.userId))),
  )
  const [submitted] = await db.select({ total: count() }).from(answers).where(isSubmitted)
  const [allowed] = await db.select({ total: count() }).from(members).where(mayAnswer)
  const answered = submitted?.total ?? 0
  // A member who has answered may have left the room, so there may be more answers than members.
  return { answered, members: Math.max(answered, allowed?.total ?? 0) }
}

async function readOwn(room: RoomId, day: string, user: UserId, db: Reader) {
  const [own] = await db
    .select()
    .from(answers)
    .where(inRoom(answers, room, { day, user }))
  const { done = '', next = '', blockers = '', submittedAt = null } = own ?? {}
  return { done, next, blockers, isSubmitted: submittedAt !== null }
}
