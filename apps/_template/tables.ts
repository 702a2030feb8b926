import { sql } from 'drizzle-orm'
import { bigserial, index, pgSchema, smallint, text } from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '#schema/ids'

/**
 * The PostgreSQL schema of everything that the app stores. It is dropped when the app is removed.
 */
export const schema = pgSchema('app___name__')

export const rolls = schema.table(
  'rolls',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    room: text('room').$type<RoomId>().notNull(),
    user: text('user_id').$type<UserId>().notNull(),
    result: smallint('result').notNull(),
  },
  (table) => [index('rolls_newest').on(table.room, sql`${table.id} desc`)],
)
