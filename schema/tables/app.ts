import { sql } from 'drizzle-orm'
import { bigint, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '../ids.ts'
import type { AppId, AppNeed } from '../messages/app.ts'
import { rooms } from './room.ts'

/**
 * All room apps that a process has ever served, except those that `apps.remove` has removed. A
 * process that serves apps updates their rows when it starts.
 */
export const apps = pgTable('apps', {
  id: text('id').$type<AppId>().primaryKey(),
  name: text('name').notNull(),
  version: text('version').notNull(),
  componentUrl: text('component_url'),
  integrity: text('integrity'),
  /** The permissions that the app needs besides access to its own data: see `AppNeed`. */
  needs: text('needs').array().$type<AppNeed[]>().notNull().default(sql`'{}'`),
})

export const roomApps = pgTable(
  'room_apps',
  {
    room: text('room')
      .$type<RoomId>()
      .notNull()
      .references(() => rooms.id, { onDelete: 'cascade' }),
    app: text('app')
      .$type<AppId>()
      .notNull()
      .references(() => apps.id, { onDelete: 'cascade' }),
    installedBy: text('installed_by').$type<UserId>().notNull(),
    installedAt: timestamp('installed_at', { withTimezone: true }).notNull().defaultNow(),
    version: bigint('version', { mode: 'number' }).notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.app] }),
    // Used by apps.remove, which deletes all rows of an app, and by the checks of the foreign key
    // `app`.
    index('room_apps_app').on(table.app),
  ],
)
