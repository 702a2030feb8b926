/** So many people, each in so many rooms. */
export const people = 3_000
export const rooms = 100
export const roomsEach = 5

/** Somebody whom no round before has seen. */
export function userOf(side: string, round: number, at: number): string {
  return `${side}-${round}-${at}`
}

/** The number at the end says it, here and in the database. */
export function roomsOf(user: string): string[] {
  const at = Number(user.slice(user.lastIndexOf('-') + 1))
  return Array.from({ length: roomsEach }, (_, each) => `room-${(at * roomsEach + each) % rooms}`)
}
