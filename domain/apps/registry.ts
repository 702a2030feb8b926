import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { App, AppId } from '#schema/messages/app'
import { apps, roomApps } from '#schema/tables/app'
import { rooms } from '#schema/tables/room'
import { maxEntries } from '../cache/max-entries.ts'
import { type absent, fetchOrAbsent } from '../cache/ttl.ts'
import type { Transaction } from '../rooms/room-lock.ts'

export type RegisteredApp = typeof apps.$inferInsert

/**
 * Maximum time for which this process still allows calls of an app that another process has
 * uninstalled.
 */
const installationTtlMs = 500

const installations = new LRUCache<string, true | typeof absent>({
  ...maxEntries(50_000),
  ttl: installationTtlMs,
  ignoreFetchAbort: true,
  fetchMethod: (key, _stale, { options }) =>
    fetchOrAbsent(options, async () => {
      const [app = '', room = ''] = key.split('.')
      const [row] = await db
        .select({ app: roomApps.app })
        .from(roomApps)
        .where(isInstallation(room as RoomId, app as AppId))
      return row && true
    }),
})

/** Returns whether an app is installed in a room. The result is at most 500 ms old. */
export async function isInstalled(app: AppId, room: RoomId): Promise<boolean> {
  return (await installations.fetch(`${app}.${room}`)) === true
}

/**
 * Inserts apps, or replaces their name, version, needs and component. An app that is registered without a
 * component keeps the stored one, because only some processes have a build of the components.
 */
export async function registerApps(registered: readonly RegisteredApp[]): Promise<void> {
  if (registered.length === 0) return
  await db
    .insert(apps)
    .values([...registered])
    .onConflictDoUpdate({
      target: apps.id,
      set: {
        name: sql`excluded.name`,
        version: sql`excluded.version`,
        needs: sql`excluded.needs`,
        componentUrl: sql`coalesce(excluded.component_url, ${apps.componentUrl})`,
        integrity: sql`coalesce(excluded.integrity, ${apps.integrity})`,
      },
    })
}

export async function listApps(): Promise<App[]> {
  const rows = await db.select().from(apps).orderBy(asc(apps.name), asc(apps.id))
  return rows.map(toApp)
}

export async function listInstalledApps(room: RoomId): Promise<App[]> {
  const rows = await db
    .select({ app: apps })
    .from(roomApps)
    .innerJoin(apps, eq(apps.id, roomApps.app))
    .where(eq(roomApps.room, room))
    .orderBy(asc(apps.name), asc(apps.id))
  return rows.map(({ app }) => toApp(app))
}

export type InstallOutcome = 'installed' | 'unchanged' | 'unknown app'

export async function installApp(
  app: AppId,
  room: RoomId,
  installedBy: UserId,
): Promise<InstallOutcome> {
  const [known] = await db.select({ id: apps.id }).from(apps).where(eq(apps.id, app))
  if (!known) return 'unknown app'
  const inserted = await db
    .insert(roomApps)
    .values({ room, app, installedBy })
    .onConflictDoNothing()
    .returning({ app: roomApps.app })
  return inserted.length > 0 ? 'installed' : 'unchanged'
}

/** Returns false if the app was not installed. */
export async function uninstallApp(app: AppId, room: RoomId): Promise<boolean> {
  const deleted = await db
    .delete(roomApps)
    .where(isInstallation(room, app))
    .returning({ app: roomApps.app })
  return deleted.length > 0
}

/** Deletes an app with its tables and installations. Returns the rooms in which it was installed. */
export function removeApp(app: AppId): Promise<RoomId[]> {
  return db.transaction(async (tx) => {
    const deleted = await tx
      .delete(roomApps)
      .where(eq(roomApps.app, app))
      .returning({ room: roomApps.room })
    await tx.delete(apps).where(eq(apps.id, app))
    await tx.execute(sql`select remove_app_schema(${app})`)
    return deleted.map(({ room }) => room)
  })
}

/**
 * Increments the version of the app's data in the room and returns it. Returns undefined if the app is not
 * installed there.
 */
export async function nextVersion(
  app: AppId,
  room: RoomId,
  tx: Transaction,
): Promise<number | undefined> {
  const [updated] = await tx
    .update(roomApps)
    .set({ version: sql`${roomApps.version} + 1` })
    .where(isInstallation(room, app))
    .returning({ version: roomApps.version })
  return updated?.version
}

/** Returns whether the app is installed in the room. If it is, it stays installed until the transaction ends. */
export async function lockInstallation(
  app: AppId,
  room: RoomId,
  tx: Transaction,
): Promise<boolean> {
  const row = tx.select({ app: roomApps.app }).from(roomApps).where(isInstallation(room, app))
  return (await row.for('key share')).length > 0
}

/** Returns those rooms of `among` in which the app is installed. Leaves out archived rooms. */
export async function findInstalled(app: AppId, among: readonly RoomId[]): Promise<RoomId[]> {
  if (among.length === 0) return []
  const rows = await db
    .select({ room: roomApps.room })
    .from(roomApps)
    .innerJoin(rooms, eq(rooms.id, roomApps.room))
    .where(
      and(
        eq(roomApps.app, app),
        sql`${roomApps.room} = any(${sql.param(among)}::text[])`,
        isNull(rooms.archivedAt),
      ),
    )
  return rows.map(({ room }) => room)
}

/** Returns the names of apps by their ids. Omits apps that were removed. */
export async function readAppNames(ids: readonly AppId[]): Promise<Map<AppId, string>> {
  const rows = await db
    .select({ id: apps.id, name: apps.name })
    .from(apps)
    .where(sql`${apps.id} = any(${sql.param(ids)}::text[])`)
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** Returns the PostgreSQL schema of the app's tables. */
export function appSchema(app: AppId): string {
  return `app_${app}`
}

function isInstallation(room: RoomId, app: AppId) {
  return and(eq(roomApps.room, room), eq(roomApps.app, app))
}

function toApp(row: typeof apps.$inferSelect): App {
  const { componentUrl, integrity, ...rest } = row
  const app = { ...rest, subjectPrefix: `app.${row.id}` }
  return componentUrl === null || integrity === null ? app : { ...app, componentUrl, integrity }
}
