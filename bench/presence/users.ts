export const userCount = 3_000
export const roomCount = 100
export const roomsPerUser = 5

/** Returns the name of a user. Every round has new users, whose presence is not stored yet. */
export function userOf(side: string, round: number, index: number): string {
  return `${side}-${round}-${index}`
}

/** Returns the rooms of a user, from the number in the user's name, as `writeMembers` does in SQL. */
export function roomsOf(user: string): string[] {
  const index = Number(user.slice(user.lastIndexOf('-') + 1))
  return Array.from(
    { length: roomsPerUser },
    (_, each) => `room-${(index * roomsPerUser + each) % roomCount}`,
  )
}
