export const userCount = 3_000
export const roomCount = 100
export const roomsPerUser = 5

/** The id contains the round, because each round needs new users, without stored presence. */
export function userOf(side: string, round: number, index: number): string {
  return `${side}-${round}-${index}`
}

/**
 * Returns the rooms of the user. They are the same as in the memberships that `writeMembers` in
 * section.ts stores for Natter.
 */
export function roomsOf(user: string): string[] {
  const index = Number(user.slice(user.lastIndexOf('-') + 1))
  return Array.from(
    { length: roomsPerUser },
    (_, each) => `room-${(index * roomsPerUser + each) % roomCount}`,
  )
}
