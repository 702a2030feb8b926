import { createEffect, createSignal, onCleanup } from 'solid-js'
import { createStore, reconcile, unwrap } from 'solid-js/store'
import type { OutputOf } from '#runtime'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { MyRoom, readUpdate } from '#schema/messages/room'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { createReadPositions } from './createReadPositions.ts'
import { type LocalStore, pageKey } from './localStore.ts'
import {
  applyCount,
  countNotice as hearUnread,
  isUncounted,
  startUnread,
  totalOf,
  type Unread,
} from './unread.ts'

export type Rooms = ReturnType<typeof createRooms>

export interface RoomsOptions {
  client: ChatClient
  me: UserId
  localStore: LocalStore
  /** Follows a room for as long as it is ours: answers with what ends that. */
  follow?: (room: MyRoom) => () => void
  /** Something was said in a room of ours. */
  onMessage?: (notice: Notice, room: MyRoom) => void
  /** While the connection was away, more was said in a room than is known to have been heard. */
  onMissed?: (room: MyRoom, before: MyRoom) => void
  /** A room is not ours any more. */
  onGone?: (room: MyRoom, why: RemovalReason) => void
}

/** We were removed, the room was archived, we left; or one of these, while the connection was away. */
export type RemovalReason = 'kick' | 'archive' | 'leave' | 'meanwhile'

const [debounceMs, pollMs] = [400, 60_000]

/** The rooms we belong to, what is unread in each, and a wire to hear what happens there. */
export function createRooms({ client, me, localStore, follow, ...tell }: RoomsOptions) {
  const [byId, setRooms] = createStore<Record<RoomId, MyRoom>>({})
  const [isLoaded, setLoaded] = createSignal(false)
  const hearers = new Map<RoomId, Set<(notice: Notice) => void>>()
  /** Ends what is heard of each room. */
  const lines = new Map<RoomId, () => void>()
  const counts = new Map<RoomId, Unread>()
  /**
   * During which refreshment it was told how far a room is read, or that it is ours no more: what that
   * brings is older.
   */
  const [readIn, goneIn] = [new Map<RoomId, number>(), new Map<RoomId, number>()]
  const readMarks = createReadPositions(client, (room, state) => setRead(room, state))
  let turn = 0
  /** What is asked next tells of what was missed. */
  let wasAway = false
  let refreshing: Promise<void> | undefined
  let next: Promise<void> | undefined
  let soon: ReturnType<typeof setTimeout> | undefined

  // Listen before asking, so that nothing that happens in between is missed.
  onCleanup(client.listen(topics.deliverNotify, { user: me }, (notice) => hear(notice)))
  onCleanup(
    client.listen(topics.deliverRead, { user: me }, ({ room, user: _, back, ...state }) => {
      if (byId[room] && (back || state.seq >= byId[room].readSeq)) setRead(room, state)
    }),
  )
  // As it stands, so that a page that is loaded again begins where this one was.
  createEffect(() => {
    if (!isLoaded()) return
    const rooms = list()
    for (const { unread, mentions, readSeq, lastSeq, name } of rooms)
      void [unread, mentions, readSeq, lastSeq, name]
    localStore.write(
      'rooms',
      rooms.map((room) => ({ ...unwrap(room) })),
    )
  })
  const timer = setInterval(() => document.visibilityState === 'visible' && refresh(), pollMs)
  const onVisible = () => document.visibilityState === 'visible' && refreshSoon()
  document.addEventListener('visibilitychange', onVisible)
  onCleanup(() => {
    clearInterval(timer)
    clearTimeout(soon)
    document.removeEventListener('visibilitychange', onVisible)
    for (const stop of lines.values()) stop()
  })
  // The rooms that were ours are heard before it is asked which are.
  void localStore
    .read<MyRoom[]>('rooms')
    .then((known) => {
      if (known && !isLoaded()) take(known)
    })
    .finally(() => void refresh())

  /** Answers with whether it is of public rooms that were not heard until now. */
  function take(rooms: readonly MyRoom[]): boolean {
    const ids = new Set(rooms.map(({ id }) => id))
    for (const id of lines.keys()) if (!ids.has(id)) hangUp(id)
    const added = rooms.filter(({ id }) => !lines.has(id))
    for (const room of added) listenTo(room)
    for (const room of rooms) note(room)
    const now = rooms.map(toMyRoom)
    setRooms(reconcile(Object.fromEntries(now.map((room) => [room.id, room])), { key: null }))
    setLoaded(true)
    return added.some(({ kind }) => kind === 'public')
  }

  /** What happens in other rooms than public ones comes to us by itself. */
  function listenTo(room: MyRoom) {
    const stop =
      room.kind === 'public'
        ? client.listen(topics.roomNotify, { room: room.id }, (notice) => hear(notice))
        : undefined
    const unfollow = follow?.(room)
    lines.set(room.id, () => {
      stop?.()
      unfollow?.()
    })
  }

  function hangUp(id: RoomId) {
    lines.get(id)?.()
    lines.delete(id)
    counts.delete(id)
  }

  function unreadOf({ id, readSeq, unread, mentions, lastSeq: asOf }: MyRoom): Unread {
    return counts.get(id) ?? startUnread({ readSeq, unread, mentions, asOf })
  }

  /** Takes over what was counted, unless it has become known meanwhile that more or less is read. */
  function note(room: MyRoom) {
    const known = counts.get(room.id)
    const { readSeq, unread, mentions, lastSeq: asOf } = room
    if (known && readIn.get(room.id) === turn && known.readSeq !== readSeq) {
      if (asOf > known.asOf) refreshSoon()
      return
    }
    const counted = { readSeq, unread, mentions, asOf }
    counts.set(room.id, known ? applyCount(known, counted) : startUnread(counted))
  }

  function toMyRoom(room: MyRoom): MyRoom {
    const now = unreadOf(room)
    const lastSeq = Math.max(room.lastSeq, byId[room.id]?.lastSeq ?? 0)
    return { ...room, lastSeq, readSeq: now.readSeq, ...totalOf(now) }
  }

  function show(id: RoomId, now: Unread) {
    counts.set(id, now)
    setRooms(id, { readSeq: now.readSeq, ...totalOf(now) })
  }

  function setRead(id: RoomId, { seq, ...counted }: OutputOf<typeof readUpdate>) {
    const room = byId[id]
    if (!room) return
    readIn.set(id, turn)
    show(id, applyCount(unreadOf(room), { readSeq: seq, ...counted }))
  }

  /** What is asked from now on: an answer that is on its way may be older than what led here. */
  function refresh(): Promise<void> {
    if (!refreshing) return start()
    next ??= refreshing.then(start)
    return next
  }

  function start(): Promise<void> {
    next = undefined
    turn++
    refreshing = askForAll()
      .catch(() => undefined)
      .finally(() => {
        refreshing = undefined
      })
    return refreshing
  }

  async function askForAll() {
    const answer = await callWithRetry(client, 'room.list', {})
    const rooms = answer.rooms.filter(({ id }) => goneIn.get(id) !== turn)
    const ids = new Set(rooms.map(({ id }) => id))
    const gone = list().filter(({ id }) => !ids.has(id))
    const before = wasAway ? new Map(list().map((room) => [room.id, { ...room }])) : undefined
    wasAway = false
    const isNew = take(rooms)
    for (const room of list()) {
      const known = before?.get(room.id)
      if (known && room.unread > known.unread) tell.onMissed?.(room, known)
    }
    for (const room of gone) tell.onGone?.(room, 'meanwhile')
    const pages = new Set(rooms.map(({ id }) => pageKey(id)))
    void localStore.prune((key) => !key.startsWith(pageKey('')) || pages.has(key))
    // Between the answer and when they were heard something may have happened there.
    if (isNew) void refresh()
    else if (rooms.some((room) => isUncounted(unreadOf(room)))) refreshSoon()
  }

  function refreshSoon() {
    clearTimeout(soon)
    soon = setTimeout(() => void refresh(), debounceMs)
  }

  function hear(notice: Notice) {
    const { room: id, event, seq, kind } = notice
    const room = byId[id]
    if (event?.kind === 'member' && event.userId === me) {
      if (event.action === 'join' || event.action === 'role') refreshSoon()
      else forget(id, event.action)
    }
    if (event?.kind === 'room') {
      if (event.action === 'archive') forget(id, 'archive')
      else if (event.action === 'rename' && room) setRooms(id, 'name', event.name ?? room.name)
      else refreshSoon()
    }
    for (const hearer of hearers.get(id) ?? []) hearer(notice)
    if (!room || !byId[id]) return
    setRooms(id, 'lastSeq', Math.max(room.lastSeq, seq))
    const now = hearUnread(unreadOf(room), notice, me)
    show(id, now)
    // What was counted by the server the server counts anew.
    if (isUncounted(now) || (kind === 'delete' && room.unread > 0)) refreshSoon()
    if (kind === 'message') tell.onMessage?.(notice, room)
  }

  function list(): MyRoom[] {
    return Object.values(byId).filter((room) => room !== undefined)
  }

  function forget(id: RoomId, why: RemovalReason) {
    const room = byId[id]
    if (!room) return
    goneIn.set(id, turn)
    hangUp(id)
    setRooms(id, undefined as never)
    tell.onGone?.({ ...room }, why)
    refreshSoon()
  }

  return {
    byId: byId as Readonly<Record<RoomId, MyRoom | undefined>>,
    isLoaded,
    list,
    refresh,
    /** The connection was away. */
    renew() {
      wasAway = true
      void refresh()
    },
    /** Hears what happens in one room; answers with what stops it. */
    listen(room: RoomId, hearer: (notice: Notice) => void): () => void {
      const known = hearers.get(room) ?? new Set()
      hearers.set(room, known.add(hearer))
      return () => known.delete(hearer)
    },
    /** Says how far we have read. */
    markRead(room: RoomId, seq: number) {
      const known = byId[room]
      if (known && seq > known.readSeq) readMarks.mark(room, seq)
    },
    markAllRead() {
      for (const { id, unread, readSeq, lastSeq } of list())
        if (unread > 0 && lastSeq > readSeq) readMarks.mark(id, lastSeq)
    },
    /** The room of us two, which there is from the first time on that somebody asks for it. */
    async openDirect(user: UserId): Promise<RoomId> {
      const { room } = await callWithRetry(client, 'room.direct', { with: user })
      await refresh()
      return room.id
    },
    /** Everything from this one on counts as not read again. */
    async markUnread(room: RoomId, seq: number) {
      readMarks.forget(room)
      setRead(
        room,
        await callWithRetry(client, 'read.update', { room, seq: seq - 1, unread: true }),
      )
    },
  }
}
