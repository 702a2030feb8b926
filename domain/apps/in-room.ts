import { and, eq, getTableColumns, getTableName, isNull, type SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { FunctionError } from '#runtime'
import type { RoomId } from '#schema/ids'
import type { Transaction } from '../rooms/room-lock.ts'

export type TableOfRooms = PgTable & { $inferSelect: { room: RoomId } }
export type Values<Table extends TableOfRooms> = Partial<Omit<Table['$inferSelect'], 'room'>>

/**
 * Returns the SQL condition that a row of `table` belongs to the room and that its columns have
 * these `values`. Rows of other rooms never match, even if a caller has guessed their ids.
 */
export function inRoom<Table extends TableOfRooms>(
  table: Table,
  room: RoomId,
  values: Values<Table> = {} as Values<Table>,
): SQL | undefined {
  const columns = getTableColumns<PgTable>(table)
  const isEqual = ([name, value]: [string, unknown]) => {
    const column = columns[name]
    if (!column || value === undefined)
      throw new TypeError(`inRoom: ${name} is undefined, or no column of ${getTableName(table)}`)
    return value === null ? isNull(column) : eq(column, value)
  }
  return and(...Object.entries({ ...values, room }).map(isEqual))
}

/**
 * Returns the row of `table` that belongs to the room and whose columns have these `values`. Locks
 * the row until the end of the transaction. Throws `not_found` if there is no such row.
 */
export async function lockInRoom<Table extends TableOfRooms>(
  table: Table,
  room: RoomId,
  values: Values<Table>,
  tx: Transaction,
): Promise<Table['$inferSelect']> {
  const found = tx
    .select()
    .from(table as PgTable)
    .where(inRoom(table, room, values))
  // Uses FOR NO KEY UPDATE, because FOR UPDATE would block inserts of rows that reference this row.
  const [row] = await found.limit(1).for('no key update')
  if (!row)
    throw new FunctionError('not_found', `This room has no such row in ${getTableName(table)}`)
  return row as Table['$inferSelect']
}
