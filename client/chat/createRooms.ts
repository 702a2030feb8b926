import { createEffect, createSignal, onCleanup } from 'solid-js'
import { createStore, reconcile, unwrap } from 'solid-js/store'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/log'
import { type MyRoom, mostUnread } from '#schema/messages/room'
import { ask, isPassing } from './ask.ts'
import type { ChatClient } from './createConnection.ts'
import { type Kept, keptPage } from './kept.ts'

export type Rooms = ReturnType<typeof createRooms>

export interface RoomsOptions {
  client: ChatClient
  me: UserId
  kept: Kept
  /** Something was said in a room of ours: by somebody else, where the notice says by whom. */
  onMessage?: (notice: Notice, room: MyRoom) => void
  /** A room is not ours any more. */
  onGone?: (room: MyRoom, why: WhyGone) => void
}

/** We were removed, the room was archived, we left; or one of these, while the connection was away. */
export type WhyGone = 'kick' | 'archive' | 'leave' | 'meanwhile'

const [soonMs, everyMs, readEveryMs, readAgainMs] = [400, 60_000, 700, 5_000]

/** The rooms we belong to, what is unread in each, and a wire to hear what happens there. */
export function createRooms({ client, me, kept, onMessage, onGone }: RoomsOptions) {
  const [byId, setRooms] = createStore<Record<RoomId, MyRoom>>({})
  const [isLoaded, setLoaded] = createSignal(false)
  const hearers = new Map<RoomId, Set<(notice: Notice) => void>>()
  const reading = new Map<RoomId, number>()
  /** During which refreshment it was told how far a room is read: what that brings is older. */
  const readIn = new Map<RoomId, number>()
  let turn = 0
  let refreshing: Promise<void> | undefined
  let soon: ReturnType<typeof setTimeout> | undefined
  let readTimer: ReturnType<typeof setTimeout> | undefined

  void kept.read<MyRoom[]>('rooms').then((known) => {
    if (known && !isLoaded()) take(known)
  })
  // Listen before asking, so that nothing that happens in between is missed.
  onCleanup(client.listen(topics.roomNotify, {}, (notice) => hear(notice)))
  onCleanup(client.listen(topics.deliverNotify, { user: me }, (notice) => hear(notice)))
  onCleanup(
    client.listen(topics.deliverRead, { user: me }, ({ room, seq, unread, mentions, back }) => {
      if (byId[room] && (back || seq >= byId[room].readSeq))
        setRead(room, { seq, unread, mentions })
    }),
  )
  // As it stands, so that a page that is loaded again begins where this one was.
  createEffect(() => {
    if (!isLoaded()) return
    const rooms = Object.values(byId).filter((room) => room !== undefined)
    for (const { unread, mentions, readSeq, lastSeq, name } of rooms)
      void [unread, mentions, readSeq, lastSeq, name]
    kept.write(
      'rooms',
      rooms.map((room) => ({ ...unwrap(room) })),
    )
  })
  const timer = setInterval(() => document.visibilityState === 'visible' && refresh(), everyMs)
  const onVisible = () => document.visibilityState === 'visible' && refreshSoon()
  document.addEventListener('visibilitychange', onVisible)
  window.addEventListener('pagehide', tellReadAtLast)
  onCleanup(() => {
    clearInterval(timer)
    clearTimeout(soon)
    clearTimeout(readTimer)
    document.removeEventListener('visibilitychange', onVisible)
    window.removeEventListener('pagehide', tellReadAtLast)
  })
  void refresh()

  function take(list: readonly MyRoom[]) {
    setRooms(reconcile(Object.fromEntries(list.map((room) => [room.id, room])), { key: null }))
    setLoaded(true)
  }

  function setRead(room: RoomId, state: { seq: number; unread: number; mentions: number }) {
    readIn.set(room, turn)
    const { seq: readSeq, unread, mentions } = state
    setRooms(room, { readSeq, unread, mentions })
  }

  /** As it was told, but for what has become known while it was on its way. */
  function newest(room: MyRoom): MyRoom {
    const known = byId[room.id]
    if (!known || readIn.get(room.id) !== turn) return room
    const { readSeq, unread, mentions } = known
    return { ...room, readSeq, unread, mentions }
  }

  function refresh(): Promise<void> {
    if (!refreshing) turn++
    refreshing ??= ask(client, 'room.list', {})
      .then(({ rooms }) => {
        const ids = new Set(rooms.map(({ id }) => id))
        const gone = list().filter(({ id }) => !ids.has(id))
        take(rooms.map(newest))
        for (const room of gone) onGone?.(room, 'meanwhile')
        const pages = new Set(rooms.map(({ id }) => keptPage(id)))
        void kept.prune((key) => !key.startsWith(keptPage('')) || pages.has(key))
      })
      .catch(() => undefined)
      .finally(() => {
        refreshing = undefined
      })
    return refreshing
  }

  function refreshSoon() {
    clearTimeout(soon)
    soon = setTimeout(() => void refresh(), soonMs)
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
    for (const tell of hearers.get(id) ?? []) tell(notice)
    if (!room) return
    setRooms(id, 'lastSeq', Math.max(room.lastSeq, seq))
    if (kind === 'message') count(room, notice)
    else if (kind === 'delete' && room.unread > 0) refreshSoon()
  }

  function count(room: MyRoom, notice: Notice) {
    const { seq, threadId, event } = notice
    if (event?.kind !== 'message') {
      // Too long to come along: the server counts, and whoever wants to know asks for it.
      refreshSoon()
      return onMessage?.(notice, room)
    }
    if (event.sender === me) return
    if (threadId === undefined && seq > room.readSeq && room.unread < mostUnread) {
      setRooms(room.id, 'unread', room.unread + 1)
      if (event.mentions.includes(me)) setRooms(room.id, 'mentions', room.mentions + 1)
    }
    onMessage?.(notice, room)
  }

  function list(): MyRoom[] {
    return Object.values(byId).filter((room) => room !== undefined)
  }

  function forget(id: RoomId, why: WhyGone) {
    const room = byId[id]
    if (!room) return
    setRooms(id, undefined as never)
    onGone?.({ ...room }, why)
    refreshSoon()
  }

  function tellRead() {
    readTimer = undefined
    const told = [...reading]
    reading.clear()
    for (const [room, seq] of told)
      client.call('read.update', { room, seq }).then(
        (state) => byId[room] && setRead(room, state),
        (error) => {
          // What was seen while the connection was away counts as read when it is back.
          if (!isPassing(error)) return
          reading.set(room, Math.max(seq, reading.get(room) ?? 0))
          readTimer ??= setTimeout(tellRead, readAgainMs)
        },
      )
  }

  /** A page that goes waits for no answer. */
  function tellReadAtLast() {
    for (const [room, seq] of reading) client.publish('read.update', { room, seq })
  }

  return {
    byId: byId as Readonly<Record<RoomId, MyRoom | undefined>>,
    isLoaded,
    list,
    refresh,
    /** Hears what happens in one room; answers with what stops it. */
    listen(room: RoomId, tell: (notice: Notice) => void): () => void {
      const known = hearers.get(room) ?? new Set()
      hearers.set(room, known.add(tell))
      return () => known.delete(tell)
    },
    /** Says how far we have read. Many little steps become few. */
    markRead(room: RoomId, seq: number) {
      const known = byId[room]
      if (!known || seq <= known.readSeq || seq <= (reading.get(room) ?? 0)) return
      reading.set(room, seq)
      readTimer ??= setTimeout(tellRead, readEveryMs)
    },
    /** The room of us two, which there is from the first time on that somebody asks for it. */
    async openDirect(user: UserId): Promise<RoomId> {
      const { room } = await ask(client, 'room.direct', { with: user })
      await refresh()
      return room.id
    },
    /** Everything from this one on counts as not read again. */
    async markUnread(room: RoomId, seq: number) {
      reading.delete(room)
      const state = await ask(client, 'read.update', { room, seq: seq - 1, unread: true })
      if (byId[room]) setRead(room, state)
    },
  }
}
