import type { Context } from '#runtime'
import {
  type AppInstalled,
  type AppUpdate,
  deliverAppInstalled,
  deliverAppUpdated,
} from '#schema/messages/app'
import { deliverRoomKey } from '#schema/messages/encrypted'
import { findMemberAudience, type MemberAudience } from '../rooms/audience.ts'
import { markAnnounced, publicPartOf, publishEncrypted } from '../rooms/room-key.ts'

/** Publishes an update of an app's data to the members of its room. */
export async function publishUpdate(update: AppUpdate, context: Context): Promise<void> {
  const audience = await findMemberAudience(update.room, context)
  if ('key' in audience) publishEncrypted(audience.key, { appUpdated: update }, context)
  else context.publishEach(deliverAppUpdated, 'user', audience.users, update)
  await announceKey(update, audience, context)
}

/** Notifies the members of a room of an app that was installed or uninstalled there. */
export async function announceInstallation(change: AppInstalled, context: Context): Promise<void> {
  const audience = await findMemberAudience(change.room, context)
  if ('key' in audience) publishEncrypted(audience.key, { appInstalled: change }, context)
  else context.publishEach(deliverAppInstalled, 'user', audience.users, change)
  await announceKey(change, audience, context)
}

/**
 * Events of a large room are encrypted with its room key. Publishes a new room key to the members.
 * Usually, members receive a new key with the notification of a message or another event. In a
 * public room without bans, they do not, because only events of apps are encrypted there.
 */
async function announceKey(
  { room }: Pick<AppUpdate, 'room'>,
  audience: MemberAudience,
  context: Context,
): Promise<void> {
  const announcement = 'users' in audience ? audience.announcement : undefined
  if (!announcement || announcement.key.announcedAt !== undefined) return
  const { key, holders } = announcement
  const roomKey = publicPartOf(key)
  const at = new Date().toISOString()
  context.publishEach(deliverRoomKey, 'user', [...holders], { room, roomKey, at })
  await markAnnounced(room, key, context)
}
