import { createHash, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { createThrottle } from './throttle.ts'

const User = v.strictObject({
  // Accepts any user name, even an empty one, so that tests can log in with names that the chat
  // rejects.
  username: v.pipe(v.string(), v.maxLength(255)),
  password: v.pipe(v.string(), v.minLength(1)),
  roles: v.optional(v.array(v.pipe(v.string(), v.minLength(1))), []),
  givenName: v.optional(v.string(), ''),
  familyName: v.optional(v.string(), ''),
  email: v.optional(v.string()),
})
type UserRecord = v.InferOutput<typeof User>

export interface User extends UserRecord {
  /** Derived from the user name, so that it is the same in every state folder. */
  sub: string
}

/** Users with public passwords, for trials on one machine. */
export const demoUsers = [
  demoUser('alice', 'Adams', ['admin', 'user']),
  demoUser('bob', 'Brown', ['user']),
  demoUser('charlie', 'Clark', []),
]

export interface Users {
  /**
   * Returns the user with this name and password. For an unknown name, it takes as long as for a
   * wrong password, so that the time does not reveal which names exist. Throws `TooManyAttempts`
   * after several wrong passwords.
   */
  signIn(username: string, password: string): User | undefined
  find(sub: string): User | undefined
}

/**
 * Returns the demo users and those of `users.json` in the folder, if the file exists. The file is a
 * list of `{ username, password, roles?, givenName?, familyName?, email? }`. Its users replace demo
 * users of the same name. Throws an error with the path of the invalid value if the file is
 * invalid.
 */
export function readUsers(dir: string): Users {
  const records = [...demoUsers, ...readRecords(join(dir, 'users.json'))]
  const byName = new Map(
    records.map((record) => [record.username, { ...record, sub: subOf(record.username) }]),
  )
  const bySub = new Map([...byName.values()].map((user) => [user.sub, user]))
  const throttle = createThrottle()
  return {
    signIn(username, password) {
      throttle.check(username)
      const user = byName.get(username)
      const isRight = timingSafeEqual(sha256(password), sha256(user?.password ?? ''))
      if (user && isRight) {
        throttle.succeeded(username)
        return user
      }
      throttle.failed(username)
      return undefined
    },
    find: (sub) => bySub.get(sub),
  }
}

function demoUser(username: string, familyName: string, roles: string[]): UserRecord {
  const givenName = `${username.charAt(0).toUpperCase()}${username.slice(1)}`
  const email = `${username}@example.com`
  return { username, password: `${username}123`, roles, givenName, familyName, email }
}

function readRecords(file: string): UserRecord[] {
  if (!existsSync(file)) return []
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause })
  }
  const result = v.safeParse(v.array(User), content)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new Error(`${file} is not a list of users: ${v.getDotPath(issue) ?? ''} ${issue.message}`)
}

/** Returns a UUID of version 8 (RFC 9562) that is a hash of the user name. */
function subOf(username: string) {
  const hex = sha256(`natter user ${username}`).toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

function sha256(text: string) {
  return createHash('sha256').update(text).digest()
}
