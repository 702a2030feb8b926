import { batch, createSignal, onCleanup } from 'solid-js'
import { createStore, produce } from 'solid-js/store'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import {
  type ChosenStatus,
  type ConnId,
  heartbeatMs,
  type PresenceChange,
  type Status,
} from '#schema/messages/presence'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

export type Presence = ReturnType<typeof createPresence>

/** How somebody is seen, and in which rooms that is known: in none they are seen no more. */
interface ShownStatus {
  status: Status
  rooms: RoomId[]
}

/** So long after it could not be found out who is in a room it is asked again. */
const retryDelayMs = 5_000

/** Says that we are there, for as long as its owner lives, and knows who else is, room by room. */
export function createPresence(client: ChatClient, me: UserId) {
  const [mine, setMine] = createSignal<Status>('offline')
  const [seen, setSeen] = createStore<Record<UserId, ShownStatus | undefined>>({})
  /** Rooms of which all are known who are there. */
  const [known, setKnown] = createStore<Record<RoomId, true | undefined>>({})
  const followed = new Set<RoomId>()
  /** Rooms somebody wants to know that of. */
  const wanted = new Set<RoomId>()
  /** Who was told of while a room was asked: of them the answer may be older. */
  const asked = new Map<RoomId, Set<UserId>>()
  const timers = new Map<RoomId, ReturnType<typeof setTimeout>>()
  const connId = crypto.randomUUID() as ConnId
  let tellChosen = (_status: ChosenStatus) => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  onCleanup(client.listen(topics.deliverPresence, { user: me }, hear))
  const leave = () => client.publish('presence.disconnect', { connId })
  window.addEventListener('pagehide', leave)
  onCleanup(() => {
    isStopped = true
    clearTimeout(timer)
    for (const later of timers.values()) clearTimeout(later)
    window.removeEventListener('pagehide', leave)
    leave()
  })
  void beat()

  async function beat() {
    clearTimeout(timer)
    try {
      setMine((await client.call('presence.heartbeat', { connId })).status)
    } catch {
      // The next one says the same.
    }
    // Not all who came back together shall go on together.
    const jitter = 0.85 + Math.random() * 0.3
    if (!isStopped) timer = setTimeout(() => void beat(), heartbeatMs * jitter)
  }

  function hear({ room, changes }: { room: RoomId; changes: readonly PresenceChange[] }) {
    for (const { userId, status, action } of changes) {
      // That we are there we know better than a room that we have left.
      if (userId === me && status !== 'offline') {
        if (action === 'status') tellChosen(status)
        setMine(status)
      }
      if (!followed.has(room)) continue
      asked.get(room)?.add(userId)
      put(room, userId, status)
    }
  }

  /** Who is not seen in one room any more may be so in another. */
  function put(room: RoomId, user: UserId, status: Status) {
    const { rooms = [] } = seen[user] ?? {}
    if (status === 'offline') {
      if (rooms.includes(room))
        setSeen(user, 'rooms', (all = []) => all.filter((it) => it !== room))
    } else setSeen(user, { status, rooms: rooms.includes(room) ? rooms : [...rooms, room] })
  }

  /** Nobody is seen in the room any more, but for these. */
  function clear(room: RoomId, but?: ReadonlySet<UserId>) {
    setSeen(
      produce((all) => {
        for (const [user, it] of Object.entries(all) as [UserId, ShownStatus | undefined][])
          if (it?.rooms.includes(room) && !but?.has(user))
            it.rooms = it.rooms.filter((other) => other !== room)
      }),
    )
  }

  async function find(room: RoomId) {
    clearTimeout(timers.get(room))
    const newer = new Set<UserId>()
    asked.set(room, newer)
    try {
      const { present } = await callWithRetry(client, 'presence.room', { room })
      if (asked.get(room) !== newer) return
      asked.delete(room)
      const there = Object.entries(present) as [UserId, ChosenStatus][]
      batch(() => {
        clear(room, new Set([...newer, ...there.map(([user]) => user)]))
        for (const [user, status] of there) if (!newer.has(user)) put(room, user, status)
        setKnown(room, true)
      })
    } catch {
      if (asked.get(room) !== newer) return
      asked.delete(room)
      if (!isStopped && followed.has(room))
        timers.set(
          room,
          setTimeout(() => void find(room), retryDelayMs),
        )
    }
  }

  function forget(room: RoomId) {
    asked.delete(room)
    clearTimeout(timers.get(room))
    setKnown(room, undefined)
    clear(room)
  }

  return {
    /** How we are seen ourselves. */
    mine,
    /**
     * How somebody is seen. Undefined where nothing is known of them: whoever is not seen is offline
     * for those who know that they belong to a room, if it is known who is there.
     */
    statusOf(user: UserId, room?: RoomId): Status | undefined {
      if (user === me) return mine()
      const found = seen[user]
      if (found && found.rooms.length > 0) return found.status
      return room !== undefined && known[room] ? 'offline' : undefined
    },
    /** Hears who comes and goes in a room that we belong to; answers with what ends it. */
    follow(room: RoomId, isPublic: boolean): () => void {
      followed.add(room)
      const stop = isPublic ? client.listen(topics.roomPresence, { room }, hear) : undefined
      return () => {
        stop?.()
        followed.delete(room)
        wanted.delete(room)
        forget(room)
      }
    },
    /** Finds out who is there in a room, once. What changes afterwards is told. */
    look(room: RoomId) {
      if (wanted.has(room)) return
      wanted.add(room)
      void find(room)
    },
    /** Hears how we have chosen to be seen, here or elsewhere, before that is so. */
    onChosen(tell: (status: ChosenStatus) => void) {
      tellChosen = tell
    },
    async choose(status: ChosenStatus) {
      await callWithRetry(client, 'presence.update', { status })
      setMine(status)
    },
    /** Nobody has touched anything for long: away, unless we are something else already. */
    async idle() {
      await client.call('presence.update', { status: 'away', idle: true })
      await beat()
    },
    /** The connection was away: what was told meanwhile is not known. */
    renew() {
      void beat()
      for (const room of followed) {
        if (wanted.has(room)) void find(room)
        else forget(room)
      }
    },
  }
}
