import { onCleanup } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { OutputOf } from '#runtime'
import { topics } from '#schema/contracts'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, RoomEvent } from '#schema/messages/event'
import type { Invitation } from '#schema/messages/member'
import type { MyRoom, readUpdate } from '#schema/messages/room'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { createReadPositions } from './createReadPositions.ts'
import { createRefresh } from './createRefresh.ts'
import { createRoomList, roomsKey } from './createRoomList.ts'
import { createRoomSubscriptions } from './createRoomSubscriptions.ts'
import type { Threads } from './createThreads.ts'
import { createUnreadCounts } from './createUnreadCounts.ts'
import { type LocalStore, pageKey } from './localStore.ts'
import { countNotice, isUncounted, totalOf, type Unread } from './unread.ts'

const logKey = 'log'

export type Rooms = ReturnType<typeof createRooms>

export interface RoomsOptions {
  client: ChatClient
  me: UserId
  threads: Threads
  localStore: LocalStore
  /** Called when a room is added. The returned function is called when the room is removed. */
  follow?: (room: MyRoom) => () => void
  onLoaded?: (rooms: readonly MyRoom[]) => void
  /** Also called for the user's own messages. */
  onMessage?: (notice: Notice, room: MyRoom) => void
  /**
   * Called after a reconnect for each room that has more unread messages than before. `before` is
   * the room as it was before the reconnect.
   */
  onMissed?: (room: MyRoom, before: MyRoom) => void
  onRemoved?: (room: MyRoom, why: RemovalReason) => void
  /** Called when the server has a new event log, for example after the restore of a backup. */
  onLogReplaced?: () => void
}

/** `meanwhile`: removed without an event, for example while disconnected. */
export type RemovalReason = 'kick' | 'archive' | 'leave' | 'meanwhile'

export function createRooms(options: RoomsOptions) {
  const { client, me, threads, localStore, onLoaded, onMessage, onMissed, onRemoved } = options
  const rooms = createRoomList(localStore)
  const { byId, list } = rooms
  /**
   * `reconcile` matches the invitations by `id`, so a refresh keeps the elements of known
   * invitations, and the focus in them.
   */
  const [invited, setInvited] = createStore<{ list: (Invitation & { id: RoomId })[] }>({ list: [] })
  const refreshing = createRefresh(load)
  const { refresh, refreshSoon, round } = refreshing
  const counts = createUnreadCounts(refreshing)
  const readPositions = createReadPositions(client, ({ room, seq, threadId, threads }, state) => {
    if (threadId !== undefined || threads) readThread(room, seq, threadId)
    // The response for a thread also contains the read position of the room, which may be older
    // than the current one.
    if (threadId === undefined || state.seq >= (byId(room)?.readSeq ?? 0)) setRead(room, state)
  })
  /**
   * For each removed room, the number of the last refresh that started before the removal: the response
   * to this refresh may still list the room.
   */
  const removalRounds = new Map<RoomId, number>()
  let wasOffline = false
  let log = localStore.readNow<string>(logKey)

  // Subscribes before the first request, so that no notice is missed.
  const subscriptions = createRoomSubscriptions({ ...options, onNotice: receive })
  onCleanup(
    client.listen(
      topics.deliverRead,
      { user: me },
      ({ room, user: _, back, threads, ...state }) => {
        if (threads) readThread(room, state.seq)
        const known = byId(room)
        if (known && (back || state.seq >= known.readSeq)) setRead(room, state)
      },
    ),
  )
  onCleanup(
    client.listen(
      topics.deliverReadThread,
      { user: me },
      ({ room, threadId, threadSeq, user: _, ...state }) => {
        readThread(room, threadSeq, threadId)
        const known = byId(room)
        if (known && state.seq >= known.readSeq) setRead(room, state)
      },
    ),
  )
  onCleanup(client.listen(topics.deliverInvitation, { user: me }, refreshSoon))
  void rooms
    .readCached()
    .then((cached) => {
      if (cached && !rooms.isLoaded()) replace(cached)
    })
    .finally(() => void refresh())

  async function loadInvitations() {
    const answer = await client.try('room.invitations', {})
    if (!answer.ok) return
    const current = answer.value.invitations.map((each) => ({ ...each, id: each.room.id }))
    setInvited('list', reconcile(current))
  }

  async function load() {
    void threads.load().catch(() => undefined)
    void loadInvitations()
    const answer = await callWithRetry(client, 'room.list', {})
    if (answer.log !== undefined && (await isReplaced(answer.log))) return options.onLogReplaced?.()
    const current = answer.rooms.filter(({ id }) => removalRounds.get(id) !== round())
    const ids = new Set(current.map(({ id }) => id))
    const removed = list().filter(({ id }) => !ids.has(id))
    const before = wasOffline ? new Map(list().map((room) => [room.id, { ...room }])) : undefined
    wasOffline = false
    const added = replace(current)
    for (const room of list()) {
      const cached = before?.get(room.id)
      if (cached && room.unread > cached.unread) onMissed?.(room, cached)
    }
    for (const room of removed) onRemoved?.(room, 'meanwhile')
    const pages = new Set(current.map(({ id }) => pageKey(id)))
    void localStore.prune((key) => !key.startsWith(pageKey('')) || pages.has(key))
    onLoaded?.(list())
    // A notice may have been published in a new public room before the page subscribed to the room.
    // So the rooms are loaded once more.
    if (added.some(({ kind }) => kind === 'public')) void refresh()
    else if (current.some((room) => isUncounted(counts.of(room)))) refreshSoon()
  }

  /**
   * Returns true if the server has a new event log, for example after the restore of a backup. In
   * this case, also deletes the cached rooms and history pages.
   */
  async function isReplaced(current: string): Promise<boolean> {
    const before = log
    log = current
    localStore.writeNow(logKey, current)
    if (before === undefined || before === current) return false
    await localStore.prune((key) => key !== roomsKey && !key.startsWith(pageKey('')))
    return true
  }

  function replace(current: readonly MyRoom[]): MyRoom[] {
    const added = subscriptions.replace(current)
    counts.replace(current)
    rooms.replace(current.map(toMyRoom))
    return added
  }

  function toMyRoom(room: MyRoom): MyRoom {
    const count = counts.of(room)
    const known = byId(room.id)
    const last = known && known.lastSeq > room.lastSeq ? lastOf(known) : {}
    return { ...room, ...last, readSeq: count.readSeq, ...totalOf(count) }
  }

  function show(id: RoomId, count: Unread) {
    counts.set(id, count)
    rooms.update(id, { readSeq: count.readSeq, ...totalOf(count) })
  }

  function setRead(id: RoomId, { seq, ...counted }: OutputOf<typeof readUpdate>) {
    const room = byId(id)
    if (room) show(id, counts.markRead(room, { readSeq: seq, ...counted }))
  }

  function readThread(id: RoomId, seq: number, threadId?: MessageId) {
    const room = byId(id)
    if (room) counts.markThreadsRead(room, seq, threadId)
    threads.setRead(id, seq, threadId)
  }

  function receive(notice: Notice) {
    const { room: id, event, seq, kind } = notice
    const room = byId(id)
    if (event) applyEventToList(id, event)
    subscriptions.notify(notice)
    if (!room || !byId(id)) return
    const lastAt = event?.at ?? new Date().toISOString()
    if (seq > room.lastSeq) rooms.update(id, { lastSeq: seq, lastAt })
    const count = countNotice(counts.of(room), notice, me, threads.isFollowed(notice))
    threads.receive(notice)
    show(id, count)
    // After a deletion, the count of unread messages may still include the deleted message, so the
    // rooms are loaded again.
    if (isUncounted(count) || (kind === 'delete' && room.unread > 0)) refreshSoon()
    if (kind === 'message') onMessage?.(notice, room)
  }

  function applyEventToList(id: RoomId, event: RoomEvent) {
    if (event.kind === 'member' && event.userId === me) {
      if (event.action === 'join' || event.action === 'role') refreshSoon()
      else remove(id, event.action)
    }
    if (event.kind === 'room') {
      const room = byId(id)
      if (event.action === 'archive') remove(id, 'archive')
      else if (event.action === 'rename' && room)
        rooms.update(id, { name: event.name ?? room.name })
      else refreshSoon()
    }
  }

  function markEverythingRead({ id, unread, lastSeq }: MyRoom) {
    if (unread > 0) readPositions.mark({ room: id, seq: lastSeq, threads: true })
  }

  function remove(id: RoomId, why: RemovalReason) {
    const room = byId(id)
    if (!room) return
    removalRounds.set(id, round())
    subscriptions.unsubscribe(id)
    counts.delete(id)
    rooms.remove(id)
    onRemoved?.({ ...room }, why)
    refreshSoon()
  }

  return {
    byId,
    isLoaded: rooms.isLoaded,
    list,
    invitations: () => invited.list,
    refresh,
    refreshSoon,
    resync() {
      wasOffline = true
      void refresh()
    },
    listen: subscriptions.listen,
    markRead(id: RoomId, seq: number) {
      const room = byId(id)
      if (room && seq > room.readSeq) readPositions.mark({ room: id, seq })
    },
    markThreadRead(room: RoomId, threadId: MessageId, seq: number) {
      if (threads.isRead(threadId, seq)) return
      readThread(room, seq, threadId)
      readPositions.mark({ room, threadId, seq })
    },
    markEverythingRead,
    markAllRead() {
      for (const room of list()) markEverythingRead(room)
    },
    async openDirect(user: UserId): Promise<RoomId> {
      const { room } = await callWithRetry(client, 'room.direct', { with: user })
      await refresh()
      return room.id
    },
    /** Marks the message `seq` and all later ones as unread. */
    async markUnread(room: RoomId, seq: number) {
      readPositions.cancel(room)
      setRead(
        room,
        await callWithRetry(client, 'read.update', { room, seq: seq - 1, unread: true }),
      )
    },
  }
}

function lastOf({ lastSeq, lastAt }: MyRoom): Pick<MyRoom, 'lastSeq' | 'lastAt'> {
  return { lastSeq, ...(lastAt === undefined ? {} : { lastAt }) }
}
