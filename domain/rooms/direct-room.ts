import { createHash } from 'node:crypto'
import type { RoomId, UserId } from '#schema/ids'

export function directRoomOf(one: UserId, other: UserId): RoomId {
  // User ids contain no NUL, so two different pairs of users never give the same string.
  const pair = [one, other].sort().join('\0')
  return `dm-${createHash('sha256').update(pair).digest('hex').slice(0, 40)}` as RoomId
}
