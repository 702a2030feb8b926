import { bigint, customType, integer, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '#schema/ids'

export const schema = pgSchema('app_whiteboard')

const room = () => text('room').$type<RoomId>().notNull()
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })

/**
 * One row for each room whose board has changed. Each update locks the row, so updates have an
 * order.
 */
export const boards = schema.table('boards', {
  room: room().primaryKey(),
  /** Version of the newest update. */
  version: integer('version').notNull(),
  /** Version of the row into which the older updates were merged. */
  mergedVersion: integer('merged_version').notNull().default(0),
  mergedBytes: integer('merged_bytes').notNull().default(0),
  /** Size of all stored updates together, including the merged one. */
  bytes: integer('bytes').notNull(),
})

export const updates = schema.table(
  'updates',
  {
    room: room(),
    version: integer('version').notNull(),
    update: bytea('update').notNull(),
  },
  (table) => [primaryKey({ columns: [table.room, table.version] })],
)

/**
 * The Yjs clients that have changed a board. Yjs creates a new client each time a user opens a
 * board.
 */
export const clients = schema.table(
  'clients',
  {
    room: room(),
    client: bigint('client', { mode: 'number' }).notNull(),
    user: text('user_id').$type<UserId>().notNull(),
    /** Number of the client's operations that the board has. */
    clock: bigint('clock', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.room, table.client] })],
)
