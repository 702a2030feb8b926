import { createDecipheriv } from 'node:crypto'
import type { RoomPush } from '#schema/messages/encrypted'
import type { RoomKey } from '#schema/messages/room'

export function decryptPush({ key }: RoomKey, data: string): RoomPush {
  const bytes = Buffer.from(data, 'base64')
  const decipher = createDecipheriv(
    'aes-256-gcm',
    Buffer.from(key, 'base64'),
    bytes.subarray(0, 12),
  )
  decipher.setAuthTag(bytes.subarray(-16))
  const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
  return JSON.parse(text.toString())
}
