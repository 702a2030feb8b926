/** A room as it is told by Natter, or with nothing around: to all, to each, or to be fetched from KV. */
export type RowName = 'public' | 'private' | 'multicast' | 'each' | 'fetched'

export function userOf(room: string, at: number): string {
  return `${room}-${at}`
}
