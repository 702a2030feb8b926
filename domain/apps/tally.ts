import { and, eq, inArray, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '#schema/ids'
import type { Reader } from '../rooms/room-lock.ts'

/** A table with one row per user and chosen option. */
interface Votes extends PgTable {
  room: PgColumn
  /** The position of the option in the list of options. */
  option: PgColumn
  /** The id of the user, or a pseudonym. */
  voter: PgColumn
}

interface Query {
  votes: Votes
  /** The column with the id of the item to which the options belong, such as a poll. */
  item: PgColumn
  /** The ids of the items whose votes are counted. */
  items: readonly string[]
  room: RoomId
  /** The values of `voter` that stand for the caller: the caller's id and pseudonyms. */
  me: readonly string[]
}

interface Result {
  /** The number of users who have chosen at least one option. */
  count: number
  /** The options that the caller has chosen. */
  mine: number[]
  /**
   * Returns how many users have chosen an option, and at most 20 of their values of `voter`: the
   * first in ascending order, not the earliest.
   */
  of(option: number): { votes: number; voters: UserId[] }
}

const maxVoters = 20

/**
 * Counts in the database how many users have chosen each option of the items. Returns a function
 * that returns the result of an item, in the form that the component `<Choices>` (apps/_kit) shows.
 */
export async function tally(
  { votes: table, item, items, room, me }: Query,
  db: Reader,
): Promise<(item: string) => Result> {
  const { option, voter } = table
  const voters = sql`array_agg(${voter} order by ${voter})`
  const rows = await db
    .select({
      item: sql<string>`${item}`,
      /** Null in the row that has the totals for all options of the item. */
      option: sql<number | null>`${option}`,
      votes: sql`count(distinct ${voter})`.mapWith(Number),
      voters: sql<UserId[]>`(${voters})[1:${sql.raw(`${maxVoters}`)}]`,
      isMine: sql<boolean>`bool_or(${inArray(voter, [...me])})`,
    })
    .from(table as PgTable)
    .where(and(eq(table.room, room), inArray(item, [...items])))
    .groupBy(sql`grouping sets ((${item}, ${option}), (${item}))`)
    .orderBy(option)
  return (id) => {
    const ofItem = rows.filter((row) => row.item === id)
    const find = (option: number | null) => ofItem.find((row) => row.option === option)
    return {
      count: find(null)?.votes ?? 0,
      mine: ofItem.flatMap(({ option, isMine }) => (isMine && option !== null ? [option] : [])),
      of(option) {
        const { votes = 0, voters = [] } = find(option) ?? {}
        return { votes, voters }
      },
    }
  }
}
