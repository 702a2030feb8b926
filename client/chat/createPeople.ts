import { createStore, unwrap } from 'solid-js/store'
import type { UserId } from '#schema/ids'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import type { LocalStore } from './localStore.ts'

export type People = ReturnType<typeof createPeople>

const maxKnown = 200

/** What people are called. Until that is known they are called by their id. */
export function createPeople(client: ChatClient, store: LocalStore) {
  const [names, setNames] = createStore<Record<UserId, string>>({})
  const asked = new Set<UserId>()
  let wanted: UserId[] = []
  void store.read<Record<UserId, string>>('names').then((known = {}) => {
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
    const userIds = wanted.slice(0, maxKnown)
    wanted = wanted.slice(maxKnown)
    try {
      const { users } = await callWithRetry(client, 'users.names', { userIds })
      for (const { userId, name } of users) setNames(userId, name)
      store.write('names', { ...unwrap(names) })
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
    /** Knows their names from then on: for what is said once and cannot be put right later. */
    async find(users: readonly UserId[]): Promise<void> {
      const userIds = [...new Set(users)].filter((user) => names[user] === undefined)
      if (userIds.length === 0) return
      const answer = await client.try('users.names', { userIds })
      if (answer.ok) for (const { userId, name } of answer.value.users) setNames(userId, name)
    },
    learn(user: UserId, name: string) {
      asked.add(user)
      setNames(user, name)
    },
  }
}
