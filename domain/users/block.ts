import { and, eq } from 'drizzle-orm'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { blocks } from '#schema/tables/user'

export interface Block {
  userId: UserId
  blocked: UserId
}

export async function hasBlocked(block: Block, from: Pick<typeof db, 'select'>): Promise<boolean> {
  const [row] = await from.select({ at: blocks.at }).from(blocks).where(isBlock(block))
  return row !== undefined
}

export async function insertBlock(block: Block): Promise<void> {
  await db.insert(blocks).values(block).onConflictDoNothing()
}

export async function deleteBlock(block: Block): Promise<void> {
  await db.delete(blocks).where(isBlock(block))
}

export async function listBlocked(userId: UserId): Promise<UserId[]> {
  const rows = await db
    .select({ blocked: blocks.blocked })
    .from(blocks)
    .where(eq(blocks.userId, userId))
  return rows.map(({ blocked }) => blocked)
}

export function isBlock({ userId, blocked }: Block) {
  return and(eq(blocks.userId, userId), eq(blocks.blocked, blocked))
}
