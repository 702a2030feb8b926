import { batch, createEffect, createSignal, onCleanup } from 'solid-js'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import {
  type ChosenStatus,
  type ConnId,
  heartbeatMs,
  type PresenceChange,
  type Status,
} from '#schema/messages/presence'
import { callWithRetry, retryDelayMs } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import type { Connection } from '../nats/createConnection.ts'
import { createIdMap } from './createIdMap.ts'

export type Presence = ReturnType<typeof createPresence>

/**
 * `rooms` are the rooms that the page follows and in which the user is not offline. Without such a
 * room, the page receives no changes of the status, so `status` may be outdated.
 */
interface UserStatus {
  status: Status
  rooms: RoomId[]
}

export function createPresence(
  client: ChatClient,
  connection: Pick<Connection, 'state' | 'connId'>,
  me: UserId,
) {
  const [mine, setMine] = createSignal<Status>('offline')
  const users = createIdMap<UserId, UserStatus>()
  const loaded = createIdMap<RoomId, true>()
  const followed = new Set<RoomId>()
  const requested = new Set<RoomId>()
  /**
   * Users whose presence changed while the snapshot of a room was loading. The snapshot may be
   * older than the change, so it is ignored for these users.
   */
  const changedMeanwhile = new Map<RoomId, Set<UserId>>()
  const retries = new Map<RoomId, ReturnType<typeof setTimeout>>()
  let connId: ConnId | undefined
  let notifyChosen = (_status: ChosenStatus) => {}
  let heartbeat: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  onCleanup(client.listen(topics.deliverPresence, { user: me }, applyChanges))
  const disconnect = () => connId && client.publish('presence.disconnect', { connId })
  window.addEventListener('pagehide', disconnect)
  onCleanup(() => {
    isStopped = true
    clearTimeout(heartbeat)
    for (const retry of retries.values()) clearTimeout(retry)
    window.removeEventListener('pagehide', disconnect)
    disconnect()
  })
  // A heartbeat contains the id of the connection, which is known only after the login. So the page
  // sends a heartbeat after each login.
  createEffect(() => {
    if (connection.state().status === 'online') void beat()
  })

  async function beat() {
    clearTimeout(heartbeat)
    connId = connection.connId() ?? (crypto.randomUUID() as ConnId)
    let nextMs = heartbeatMs
    try {
      const answer = await client.call('presence.heartbeat', { connId })
      setMine(answer.status)
      nextMs = answer.nextMs ?? heartbeatMs
    } catch {
      // The next heartbeat tries again.
    }
    clearTimeout(heartbeat)
    // Spreads the heartbeats of clients that reconnected at the same moment.
    const jitter = 0.85 + Math.random() * 0.3
    if (!isStopped) heartbeat = setTimeout(() => void beat(), nextMs * jitter)
  }

  function applyChanges({ room, changes }: { room: RoomId; changes: readonly PresenceChange[] }) {
    for (const { userId, status, action } of changes) {
      // Ignores `offline` for the page's own user: it may mean only that the user has left this
      // room.
      if (userId === me && status !== 'offline') {
        if (action === 'status') notifyChosen(status)
        setMine(status)
      }
      if (!followed.has(room)) continue
      changedMeanwhile.get(room)?.add(userId)
      setStatus(room, userId, status)
    }
  }

  function setStatus(room: RoomId, user: UserId, status: Status) {
    const known = users.peek(user)
    if (known?.status === status && known.rooms.includes(room)) return
    const rooms = known?.rooms.filter((other) => other !== room) ?? []
    if (status !== 'offline') users.set(user, { status, rooms: [...rooms, room] })
    else if (known) users.set(user, { ...known, rooms })
  }

  function clear(room: RoomId, except?: ReadonlySet<UserId>) {
    const isIn = ([user, { rooms }]: [UserId, UserStatus]) =>
      rooms.includes(room) && !except?.has(user)
    const left = users.peekAll().filter(isIn)
    batch(() => {
      for (const [user] of left) setStatus(room, user, 'offline')
    })
  }

  async function load(room: RoomId) {
    clearTimeout(retries.get(room))
    const newer = new Set<UserId>()
    changedMeanwhile.set(room, newer)
    try {
      const { present } = await callWithRetry(client, 'presence.room', { room })
      if (changedMeanwhile.get(room) !== newer) return
      changedMeanwhile.delete(room)
      const online = Object.entries(present) as [UserId, ChosenStatus][]
      batch(() => {
        clear(room, new Set([...newer, ...online.map(([user]) => user)]))
        for (const [user, status] of online) if (!newer.has(user)) setStatus(room, user, status)
        loaded.set(room, true)
      })
    } catch {
      if (changedMeanwhile.get(room) !== newer) return
      changedMeanwhile.delete(room)
      if (!isStopped && followed.has(room))
        retries.set(
          room,
          setTimeout(() => void load(room), retryDelayMs),
        )
    }
  }

  function unload(room: RoomId) {
    changedMeanwhile.delete(room)
    clearTimeout(retries.get(room))
    loaded.delete(room)
    clear(room)
  }

  return {
    mine,
    /** Undefined while unknown. A user who is missing in the loaded snapshot of `room` is offline. */
    statusOf(user: UserId, room?: RoomId): Status | undefined {
      if (user === me) return mine()
      const known = users.get(user)
      if (known && known.rooms.length > 0) return known.status
      return room !== undefined && loaded.get(room) ? 'offline' : undefined
    },
    follow(room: RoomId, isPublic: boolean): () => void {
      followed.add(room)
      const stop = isPublic ? client.listen(topics.roomPresence, { room }, applyChanges) : undefined
      return () => {
        stop?.()
        followed.delete(room)
        requested.delete(room)
        unload(room)
      }
    },
    ensureLoaded(room: RoomId) {
      if (requested.has(room)) return
      requested.add(room)
      void load(room)
    },
    /** Calls `callback` when the user has chosen a status on any device, just before `mine` changes. */
    onChosen(callback: (status: ChosenStatus) => void) {
      notifyChosen = callback
    },
    async choose(status: ChosenStatus) {
      await callWithRetry(client, 'presence.update', { status })
      setMine(status)
    },
    /** Reports that the user is idle. The server ignores the report if the user has chosen a status. */
    async idle() {
      await client.call('presence.update', { status: 'away', idle: true })
      await beat()
    },
    resync() {
      for (const room of followed) {
        if (requested.has(room)) void load(room)
        else unload(room)
      }
    },
  }
}
