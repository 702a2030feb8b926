import { createStore, unwrap } from 'solid-js/store'
import type { UserId } from '#schema/ids'
import { ask } from './ask.ts'
import type { ChatClient } from './createConnection.ts'
import type { Kept } from './kept.ts'

export type People = ReturnType<typeof createPeople>

const most = 200

/** What people are called. Until that is known they are called by their id. */
export function createPeople(client: ChatClient, kept: Kept) {
  const [names, setNames] = createStore<Record<UserId, string>>({})
  const asked = new Set<UserId>()
  let wanted: UserId[] = []
  void kept.read<Record<UserId, string>>('names').then((known = {}) => {
    setNames((now) => ({ ...known, ...now }))
  })

  function want(user: UserId) {
    if (asked.has(user)) return
    asked.add(user)
    wanted.push(user)
    // Whoever draws a page asks for many at once.
    if (wanted.length === 1) setTimeout(() => void look(), 20)
  }

  async function look() {
    const userIds = wanted.slice(0, most)
    wanted = wanted.slice(most)
    try {
      const { users } = await ask(client, 'users.names', { userIds })
      for (const { userId, name } of users) setNames(userId, name)
      kept.write('names', { ...unwrap(names) })
    } catch {
      for (const user of userIds) asked.delete(user)
    }
    if (wanted.length > 0) await look()
  }

  return {
    /** Asks for the name if it is not known, and is that from then on. */
    name(user: UserId): string {
      want(user)
      return names[user] ?? user
    },
    /** For what is said once and cannot be put right when the name is known. */
    async find(user: UserId): Promise<string> {
      if (names[user] !== undefined) return names[user]
      const answer = await client.try('users.names', { userIds: [user] })
      const name = answer.ok ? answer.value.users[0]?.name : undefined
      if (name !== undefined) setNames(user, name)
      return name ?? user
    },
    learn(user: UserId, name: string) {
      asked.add(user)
      setNames(user, name)
    },
  }
}
