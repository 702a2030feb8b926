import { onCleanup } from 'solid-js'
import { createStore } from 'solid-js/store'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import {
  type ChosenStatus,
  type ConnId,
  heartbeatMs,
  type PresenceChange,
  type Status,
} from '#schema/messages/presence'
import { ask } from './ask.ts'
import type { ChatClient } from './createConnection.ts'

export type Presence = ReturnType<typeof createPresence>

/** Says that we are there, for as long as its owner lives, and knows who else is. */
export function createPresence(client: ChatClient, me: UserId) {
  const [statuses, setStatuses] = createStore<Record<UserId, Status>>({})
  const connId = crypto.randomUUID() as ConnId
  const looked = new Set<RoomId>()
  let tellChosen = (_status: ChosenStatus) => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  const hear = ({ changes }: { changes: readonly PresenceChange[] }) => {
    for (const { userId, status, action } of changes) {
      if (userId === me && action === 'status' && status !== 'offline') tellChosen(status)
      setStatuses(userId, status)
    }
  }
  onCleanup(client.listen(topics.roomPresence, {}, hear))
  onCleanup(client.listen(topics.deliverPresence, { user: me }, hear))
  const leave = () => client.publish('presence.disconnect', { connId })
  window.addEventListener('pagehide', leave)
  onCleanup(() => {
    isStopped = true
    clearTimeout(timer)
    window.removeEventListener('pagehide', leave)
    leave()
  })
  void beat()

  async function beat() {
    clearTimeout(timer)
    try {
      const { status } = await client.call('presence.heartbeat', { connId })
      setStatuses(me, status)
    } catch {
      // The next one says the same.
    }
    // Not all who came back together shall go on together.
    const jitter = 0.85 + Math.random() * 0.3
    if (!isStopped) timer = setTimeout(() => void beat(), heartbeatMs * jitter)
  }

  async function look(room: RoomId) {
    looked.add(room)
    try {
      const { present } = await ask(client, 'presence.room', { room })
      for (const [user, status] of Object.entries(present)) setStatuses(user as UserId, status)
    } catch {
      looked.delete(room)
    }
  }

  return {
    statusOf: (user: UserId): Status => statuses[user] ?? 'offline',
    /** Finds out who is there in a room, once. What changes afterwards is told. */
    look(room: RoomId) {
      if (!looked.has(room)) void look(room)
    },
    /** Hears how we have chosen to be seen, here or elsewhere, before that is so. */
    onChosen(tell: (status: ChosenStatus) => void) {
      tellChosen = tell
    },
    async choose(status: ChosenStatus) {
      await ask(client, 'presence.update', { status })
      setStatuses(me, status)
    },
    /** The connection was away: what was told meanwhile is not known. */
    renew() {
      void beat()
      for (const room of looked) void look(room)
    },
  }
}
