/** A way in which the messages of a room are delivered: by Natter, or by a baseline of baselines.ts. */
export type RoomName = 'public' | 'private' | 'multicast' | 'each' | 'fetched'

export function userOf(room: string, index: number): string {
  return `${room}-${index}`
}
