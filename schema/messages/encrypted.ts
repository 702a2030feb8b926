import * as v from 'valibot'
import type { ParsedDataOf, Topic } from '#runtime'
import { KeyId } from '../ids.ts'
import type { Notice } from './event.ts'
import type { roomPresence, roomTyping } from './presence.ts'

/** One of the fields is present. */
export interface RoomPush {
  notify?: Notice
  presence?: ParsedDataOf<typeof roomPresence>
  typing?: ParsedDataOf<typeof roomTyping>
}

/**
 * Published once for all members of a large room. Any user may subscribe to the subject, but only
 * members get the key. `data` is a `RoomPush` as JSON, encrypted with AES-256-GCM, in base64: 12 bytes of
 * nonce, then the ciphertext with its 16 bytes of tag.
 */
export const roomEncrypted = {
  subject: 'room.notify.{key}',
  data: v.object({ key: KeyId, data: v.string() }),
  push: true,
} as const satisfies Topic
