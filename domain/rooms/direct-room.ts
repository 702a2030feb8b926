import { createHash } from 'node:crypto'
import type { RoomId, UserId } from '#schema/ids'

/** The one room of two people, whoever asks. No id holds a NUL, so no two pairs are written alike. */
export function directRoomOf(one: UserId, other: UserId): RoomId {
  const pair = [one, other].sort().join('\0')
  return `dm-${createHash('sha256').update(pair).digest('hex').slice(0, 40)}` as RoomId
}
