import { batch } from 'solid-js'
import type { UserId } from '#schema/ids'
import type { User } from '#schema/messages/user'
import { isGroupName } from '#schema/text/group-names'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { createIdMap } from './createIdMap.ts'
import type { LocalStore } from './localStore.ts'

export type People = ReturnType<typeof createPeople>

const maxUserIds = 200
const batchDelayMs = 20
const cacheKey = 'people'

/** Loads users in batches on first use, and caches them in this browser. */
export function createPeople(client: ChatClient, store: LocalStore) {
  const known = createIdMap<UserId, User>()
  const requested = new Set<UserId>()
  let queue: UserId[] = []
  void store.read<User[]>(cacheKey).then((cached = []) => {
    addAll(cached.filter(({ userId }) => !known.peek(userId)))
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
      addAll((await callWithRetry(client, 'users.names', { userIds })).users)
      store.write(
        cacheKey,
        known.peekAll().map(([, user]) => ({ ...user })),
      )
    } catch {
      for (const user of userIds) requested.delete(user)
    }
    if (queue.length > 0) await load()
  }

  function addAll(users: readonly User[]) {
    batch(() => {
      for (const user of users) known.set(user.userId, user)
    })
  }

  return {
    /**
     * Returns the display name. While the user is loading, `name` and `handle` return the user id.
     */
    name(user: UserId): string {
      request(user)
      return known.get(user)?.name ?? user
    },
    handle(user: UserId): string {
      request(user)
      return known.get(user)?.handle ?? user
    },
    /** Loads names before they are used in a text that cannot change later, such as a notification. */
    async loadNames(users: readonly UserId[]): Promise<void> {
      const userIds = [...new Set(users)].filter((user) => !known.peek(user) && !isGroupName(user))
      if (userIds.length === 0) return
      const answer = await client.try('users.names', { userIds })
      if (answer.ok) addAll(answer.value.users)
    },
    add(users: readonly User[]) {
      for (const { userId } of users) requested.add(userId)
      addAll(users)
    },
  }
}
