import { desc } from 'drizzle-orm'
import * as v from 'valibot'
import { action, defineApp, ensure, inRoom, integer, query, tally, text } from '#app/server'
import { polls, votes } from './tables.ts'
import { started } from './words/started.ts'

const Id = v.pipe(v.string(), v.uuid())
const Flag = v.optional(v.boolean(), false)

/** Creates a poll. The caller chooses its id, so that a retry creates no second poll. */
const create = action(
  {
    id: Id,
    question: text(300),
    options: v.pipe(v.array(text(100)), v.minLength(2), v.maxLength(10)),
    multiple: Flag,
    anonymous: Flag,
    hidden: Flag,
  },
  async ({ room, user, data, db, tell, post }) => {
    const poll = { ...data, room, createdBy: user }
    const [added] = await db.insert(polls).values(poll).onConflictDoNothing().returning()
    if (!added) return
    tell({ poll: data.id })
    post(started, { key: data.id, args: { question: data.question } })
  },
)

/** Replaces the caller's votes. An empty list withdraws them. */
const vote = action(
  { poll: Id, options: v.pipe(v.array(integer(0, 9)), v.maxLength(10)) },
  async ({ room, user, data, pseudonym, db, lock, tell }) => {
    const poll = await lock(polls, { id: data.poll })
    const chosen = [...new Set(data.options)]
    ensure(!poll.closedAt, 'conflict', 'The poll is closed')
    ensure(poll.multiple || chosen.length < 2, 'invalid', 'This poll allows one option only')
    const unknown = chosen.find((option) => option >= poll.options.length)
    ensure(unknown === undefined, 'invalid', `The poll has no option ${unknown}`)

    const own = { poll: poll.id, voter: poll.anonymous ? pseudonym(poll.id) : user }
    await db.delete(votes).where(inRoom(votes, room, own))
    const rows = chosen.map((option) => ({ room, ...own, option }))
    if (rows.length > 0) await db.insert(votes).values(rows)
    tell({ poll: poll.id })
  },
)

/** Ends the voting, and shows hidden results. */
const close = action({ poll: Id }, async ({ room, user, may, data, db, lock, tell }) => {
  const poll = await lock(polls, { id: data.poll })
  const mayClose = poll.createdBy === user || may('moderate')
  ensure(mayClose, 'forbidden', 'Only its creator and moderators may close a poll')
  if (poll.closedAt) return
  const isPoll = inRoom(polls, room, { id: poll.id })
  await db.update(polls).set({ closedAt: new Date() }).where(isPoll)
  tell({ poll: poll.id })
})

/**
 * Returns the room's newest polls. Omits results that are hidden, and voters that are anonymous.
 */
const list = query({}, async ({ room, user, pseudonym, db }) => {
  const ofRoom = db.select().from(polls).where(inRoom(polls, room))
  const newest = await ofRoom.orderBy(desc(polls.createdAt)).limit(50)
  const ids = newest.map(({ id }) => id)
  const me = [user, ...ids.map(pseudonym)]
  const resultOf = await tally({ votes, item: votes.poll, items: ids, room, me }, db)
  return {
    polls: newest.map(({ room: _, closedAt, ...poll }) => {
      const { of, ...result } = resultOf(poll.id)
      const options = poll.options.map((text, option) => {
        if (poll.hidden && !closedAt) return { text }
        const { votes, voters } = of(option)
        return { text, votes, voters: poll.anonymous ? undefined : voters }
      })
      return { ...poll, ...result, options, closedAt: closedAt ?? undefined }
    }),
  }
})

export default defineApp({
  id: 'poll',
  name: 'Poll',
  version: '1.0.0',
  needs: ['post'],
  actions: { create, vote, close, list },
})
