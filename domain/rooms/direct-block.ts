import { and, eq, ne, or } from 'drizzle-orm'
import type { Context } from '#runtime'
import type { UserId } from '#schema/ids'
import { members } from '#schema/tables/room'
import { blocks } from '#schema/tables/user'
import { isBlock } from '../users/block.ts'
import { directRoomOf } from './direct-room.ts'
import { indexMember } from './member-index.ts'
import { withRoomLock } from './room-lock.ts'

/**
 * Gives both users the role `guest` in their direct room while one of them has blocked the other,
 * so that neither can send messages there. Otherwise, gives both the role `member`. Call this after
 * the commit of a block, an unblock or a new direct room. If two such changes are committed at the
 * same time, the later call of this function sees both changes.
 */
export async function applyBlocks(one: UserId, other: UserId, context: Context): Promise<void> {
  const room = directRoomOf(one, other)
  const isBetween = or(
    isBlock({ userId: one, blocked: other }),
    isBlock({ userId: other, blocked: one }),
  )
  const changed = await withRoomLock(room, async (tx) => {
    const [block] = await tx.select({ at: blocks.at }).from(blocks).where(isBetween).limit(1)
    const role = block ? 'guest' : 'member'
    return tx
      .update(members)
      .set({ role })
      .where(and(eq(members.room, room), ne(members.role, role)))
      .returning({ room: members.room, userId: members.userId })
  })
  for (const member of changed) await indexMember(member, context)
}
