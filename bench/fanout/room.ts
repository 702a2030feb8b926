/** A room of Natter (`public`, `private`) or of a baseline (see baselines.ts). */
export type RoomName = 'public' | 'private' | 'multicast' | 'each' | 'fetched'

export function userOf(room: string, index: number): string {
  return `${room}-${index}`
}
