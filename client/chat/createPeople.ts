import { createStore, unwrap } from 'solid-js/store'
import type { UserId } from '#schema/ids'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import type { LocalStore } from './localStore.ts'

export type People = ReturnType<typeof createPeople>

const maxUserIds = 200
const batchDelayMs = 20

/** Display names, loaded in batches on first use and cached in this browser. */
export function createPeople(client: ChatClient, store: LocalStore) {
  const [names, setNames] = createStore<Record<UserId, string>>({})
  const requested = new Set<UserId>()
  let queue: UserId[] = []
  void store.read<Record<UserId, string>>('names').then((cached = {}) => {
    setNames((now) => ({ ...cached, ...now }))
  })

  function request(user: UserId) {
    if (requested.has(user)) return
    requested.add(user)
    queue.push(user)
    if (queue.length === 1) setTimeout(() => void load(), batchDelayMs)
  }

  async function load() {
    const userIds = queue.slice(0, maxUserIds)
    queue = queue.slice(maxUserIds)
    try {
      const { users } = await callWithRetry(client, 'users.names', { userIds })
      for (const { userId, name } of users) setNames(userId, name)
      store.write('names', { ...unwrap(names) })
    } catch {
      for (const user of userIds) requested.delete(user)
    }
    if (queue.length > 0) await load()
  }

  return {
    /** Returns the user id while the name is loading. */
    name(user: UserId): string {
      request(user)
      return names[user] ?? user
    },
    /**
     * Loads missing names without delay, for a text that cannot change later, such as a notification.
     */
    async loadNames(users: readonly UserId[]): Promise<void> {
      const userIds = [...new Set(users)].filter((user) => names[user] === undefined)
      if (userIds.length === 0) return
      const answer = await client.try('users.names', { userIds })
      if (answer.ok) for (const { userId, name } of answer.value.users) setNames(userId, name)
    },
    setName(user: UserId, name: string) {
      requested.add(user)
      setNames(user, name)
    },
  }
}
