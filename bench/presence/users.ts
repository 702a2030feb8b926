export const userCount = 3_000
export const roomCount = 100
export const roomsPerUser = 5

/** Returns the name of a user. Each round needs users without stored presence. */
export function userOf(side: string, round: number, index: number): string {
  return `${side}-${round}-${index}`
}

/** Returns the rooms of a user. They must be the same as in `writeMembers` (see section.ts). */
export function roomsOf(user: string): string[] {
  const index = Number(user.slice(user.lastIndexOf('-') + 1))
  return Array.from(
    { length: roomsPerUser },
    (_, each) => `room-${(index * roomsPerUser + each) % roomCount}`,
  )
}
