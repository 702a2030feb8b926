/** Delivery of a room's messages: by Natter, or by one of the baselines. */
export type RoomName = 'public' | 'private' | 'multicast' | 'each' | 'fetched'

export function userOf(room: string, index: number): string {
  return `${room}-${index}`
}
