import type { Context } from '#runtime'
import type { RoomId } from '#schema/ids'
import { type AppId, deliverAppInstalled } from '#schema/messages/app'
import { findMembers } from '../rooms/audience.ts'

/** Publishes to the members of a room that an app was installed or uninstalled. */
export async function announceInstallation(
  change: { app: AppId; room: RoomId; installed: boolean },
  context: Context,
): Promise<void> {
  const members = await findMembers(change.room, context)
  context.publishEach(deliverAppInstalled, 'user', members, change)
}
