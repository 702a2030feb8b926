import * as v from 'valibot'
import type { ParsedDataOf, Topic } from '#runtime'
import { KeyId, RoomId, Time, UserId } from '../ids.ts'
import type { AppInstalled, AppUpdate } from './app.ts'
import type { Notice } from './event.ts'
import type { roomPresence, roomTyping } from './presence.ts'
import { RoomKey } from './room.ts'

/**
 * An event that is published only once for all members of a large room, encrypted: see
 * `roomEncrypted`. Exactly one of the fields is present.
 */
export interface RoomPush {
  notify?: Notice
  presence?: ParsedDataOf<typeof roomPresence>
  typing?: ParsedDataOf<typeof roomTyping>
  appUpdated?: AppUpdate
  appInstalled?: AppInstalled
}

/**
 * Published once for all members of a large room. Any user may subscribe to the subject, but only
 * members get the key. `data` is a `RoomPush` as JSON, encrypted with AES-256-GCM. It contains, in
 * base64, a nonce of 12 bytes, the ciphertext, and a tag of 16 bytes.
 */
export const roomEncrypted = {
  subject: 'room.notify.{key}',
  data: v.object({ key: KeyId, data: v.string() }),
  push: true,
} as const satisfies Topic

/**
 * A new key of a large room. Published to each member if the first event that needs the key comes
 * from an app: an update of its data, or its installation or uninstallation. Otherwise, the
 * notification `deliver.{user}.notify.{room}` contains the key. Some seconds later, the events of
 * the room are no longer published to each member, but once on `room.notify.{key}`, encrypted with
 * the key.
 */
export const deliverRoomKey = {
  subject: 'deliver.{user}.notify.{room}.key',
  data: v.object({ user: UserId, room: RoomId, roomKey: RoomKey, at: Time }),
  push: true,
} as const satisfies Topic
