import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { action, defineApp, query } from '#domain/apps/define-app'
import type { Reader, Transaction } from '#domain/rooms/room-lock'
import { FunctionError } from '#runtime'
import { type RoomId, Time, UserId } from '#schema/ids'
import { hasRight } from '#schema/roles'
import { StorableText } from '#schema/storable-text'
import { polls, votes } from './tables.ts'
import { started } from './words/started.ts'

const line = (max: number) => v.pipe(StorableText, v.trim(), v.minLength(1), v.maxLength(max))
const PollId = v.pipe(v.string(), v.uuid())
const Positions = v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)))
const Flag = v.optional(v.boolean(), false)
const [maxPolls, maxVoters] = [50, 20]

/**
 * `votes` is absent while the results are hidden. `voters` has at most 20 users, and is absent in an
 * anonymous poll as well.
 */
const Option = v.object({
  text: v.string(),
  votes: v.optional(v.number()),
  voters: v.optional(v.array(UserId)),
})

const Poll = v.object({
  id: PollId,
  question: v.string(),
  multiple: v.boolean(),
  anonymous: v.boolean(),
  hidden: v.boolean(),
  createdBy: UserId,
  createdAt: Time,
  closedAt: v.optional(Time),
  /** Number of members who have voted. */
  count: v.number(),
  options: v.array(Option),
  /** Positions of the options that the caller has voted for. */
  mine: Positions,
})

/** Creates a poll. The caller chooses its id, so a repeated call creates nothing. */
const create = action(
  {
    input: v.strictObject({
      id: PollId,
      question: line(300),
      options: v.pipe(v.array(line(100)), v.minLength(2), v.maxLength(10)),
      multiple: Flag,
      anonymous: Flag,
      hidden: Flag,
    }),
  },
  async ({ room, user, data, db, tell, post }) => {
    const poll = { ...data, room, createdBy: user }
    const added = await db.insert(polls).values(poll).onConflictDoNothing().returning()
    if (added.length === 0) return
    tell({ poll: data.id })
    post(started, { key: data.id, args: { question: data.question } })
  },
)

/** Replaces the caller's votes. An empty list withdraws them. */
const vote = action(
  {
    input: v.strictObject({ poll: PollId, options: v.pipe(Positions, v.maxLength(10)) }),
    errors: ['conflict', 'not_found'],
  },
  async ({ room, user, data, pseudonym, db, tell }) => {
    const poll = await lockPoll(room, data.poll, db)
    const chosen = [...new Set(data.options)]
    if (poll.closedAt) throw new FunctionError('conflict', 'The poll is closed')
    if (chosen.length > 1 && !poll.multiple)
      throw new FunctionError('invalid', 'This poll allows one option only')
    const unknown = chosen.find((option) => option >= poll.options.length)
    if (unknown !== undefined)
      throw new FunctionError('invalid', `The poll has no option ${unknown}`)

    const voter = poll.anonymous ? pseudonym(poll.id) : user
    const isMine = and(eq(votes.room, room), eq(votes.poll, poll.id), eq(votes.voter, voter))
    await db.delete(votes).where(isMine)
    const rows = chosen.map((option) => ({ room, poll: poll.id, voter, option }))
    if (rows.length > 0) await db.insert(votes).values(rows)
    tell({ poll: poll.id })
  },
)

/** Ends the voting, and shows hidden results. */
const close = action(
  { input: v.strictObject({ poll: PollId }), errors: ['not_found'] },
  async ({ room, user, role, data, db, tell }) => {
    const poll = await lockPoll(room, data.poll, db)
    if (poll.createdBy !== user && !hasRight({ role }, 'moderate'))
      throw new FunctionError('forbidden', 'Only its creator and moderators may close a poll')
    if (poll.closedAt) return
    await db.update(polls).set({ closedAt: new Date() }).where(isPoll(room, poll.id))
    tell({ poll: poll.id })
  },
)

/** Returns the newest polls of the room. */
const list = query(
  {
    input: v.strictObject({}),
    output: v.object({ polls: v.array(Poll) }),
    limit: { max: 300, windowMs: 60_000 },
  },
  async ({ room, user, pseudonym, db }) => {
    const inRoom = db.select().from(polls).where(eq(polls.room, room))
    const newest = await inRoom.orderBy(desc(polls.createdAt)).limit(maxPolls)
    const ids = newest.map(({ id }) => id)
    const results = await countVotes(room, ids, [user, ...ids.map(pseudonym)], db)
    return {
      polls: newest.map(({ options, createdAt, closedAt, ...poll }) => {
        const find = (option: number | null) =>
          results.find((row) => row.poll === poll.id && row.option === option)
        const resultOf = (option: number) => {
          const { count = 0, voters = [] } = find(option) ?? {}
          return { votes: count, voters: poll.anonymous ? undefined : voters }
        }
        const isHidden = poll.hidden && !closedAt
        return {
          ...poll,
          createdAt: createdAt.toISOString(),
          closedAt: closedAt?.toISOString(),
          count: find(null)?.count ?? 0,
          options: options.map((text, option) => ({ text, ...(isHidden ? {} : resultOf(option)) })),
          mine: [...options.keys()].filter((option) => find(option)?.isMine),
        }
      }),
    }
  },
)

export default defineApp({
  id: 'poll',
  name: 'Poll',
  version: '1.0.0',
  needs: ['post'],
  actions: { create, vote, close, list },
})

const isPoll = (room: RoomId, id: string) => and(eq(polls.room, room), eq(polls.id, id))

/** Locks a poll until the end of the transaction, so that its votes change one after the other. */
async function lockPoll(room: RoomId, id: string, tx: Transaction) {
  const [poll] = await tx.select().from(polls).where(isPoll(room, id)).for('no key update')
  if (!poll) throw new FunctionError('not_found', 'This room has no such poll')
  return poll
}

/** Counts the voters of each option, and of each poll in total (the option is null). */
function countVotes(room: RoomId, ids: string[], me: string[], db: Reader) {
  const voters = sql`array_agg(${votes.voter} order by ${votes.voter})`
  return db
    .select({
      poll: votes.poll,
      option: sql<number | null>`${votes.option}`,
      count: sql`count(distinct ${votes.voter})`.mapWith(Number),
      voters: sql<UserId[]>`(${voters})[1:${sql.raw(`${maxVoters}`)}]`,
      isMine: sql<boolean>`bool_or(${inArray(votes.voter, me)})`,
    })
    .from(votes)
    .where(and(eq(votes.room, room), inArray(votes.poll, ids)))
    .groupBy(sql`grouping sets ((${votes.poll}, ${votes.option}), (${votes.poll}))`)
}
