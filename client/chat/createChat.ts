import { createContext, createEffect, createSignal, on, onCleanup, useContext } from 'solid-js'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { MyRoom } from '#schema/messages/room'
import type { Me } from '#schema/messages/user'
import type { KnownIdentity } from '../auth/identity.ts'
import { callWithRetry, isTransient } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { type Connection, graceMs } from '../nats/createConnection.ts'
import { createDoNotDisturb } from './createDoNotDisturb.ts'
import { createDrafts } from './createDrafts.ts'
import { createMembers } from './createMembers.ts'
import { createNotificationPrefs } from './createNotificationPrefs.ts'
import { createPeople } from './createPeople.ts'
import { createPreferences } from './createPreferences.ts'
import { createPresence } from './createPresence.ts'
import type { MissedEvents } from './createRoomFeed.ts'
import { createRoomKeys } from './createRoomKeys.ts'
import { createRooms, type RemovalReason } from './createRooms.ts'
import { createSendQueue } from './createSendQueue.ts'
import { createThreads } from './createThreads.ts'
import { createTimeline, type RoomTimeline, type TimelineOptions } from './createTimeline.ts'
import { createTyping } from './createTyping.ts'
import { type LocalStore, pageKey } from './localStore.ts'
import type { HistoryPage } from './timeline.ts'

export type Chat = ReturnType<typeof createChat>

export interface ChatOptions {
  client: ChatClient
  connection: Connection
  identity: KnownIdentity
  localStore: LocalStore
  /**
   * Called for each message of another user. If a message is too large for its notice, the notice
   * does not name the sender. Then this is called even if the message is the user's own.
   */
  onMessage?: (notice: Notice, room: MyRoom) => void
  onMissed?: (room: MyRoom, before: MyRoom) => void
  onRemoved?: (room: MyRoom, why: RemovalReason) => void
  /**
   * Called when the server has a new event log, for example after the restore of a backup: events
   * that the page shows may no longer exist.
   */
  onLogReplaced?: () => void
  onFailure?: (why: Error | 'disconnected') => void
}

type OpenTimeline = { room: RoomId } & Pick<RoomTimeline, 'sync' | 'expect'>

interface Edit {
  id: MessageId
  text: string
}

const maxCachedMessages = 40

export function createChat(options: ChatOptions) {
  const { connection, identity, localStore } = options
  const me = identity.user as UserId
  const roomKeys = createRoomKeys(options.client, me)
  const { client } = roomKeys
  const openTimelines = new Set<OpenTimeline>()
  const threads = createThreads(client, me)
  const presence = createPresence(client, connection, me)
  const rooms = createRooms({
    ...options,
    client,
    me,
    threads,
    follow({ id, kind }) {
      const unfollow = presence.follow(id, kind === 'public')
      return () => {
        unfollow()
        roomKeys.remove(id)
      }
    },
    onLoaded: (all) =>
      roomKeys.load(all.filter(({ kind }) => kind !== 'direct').map(({ id }) => id)),
    onMessage(notice, room) {
      const { event } = notice
      if (event?.kind !== 'message' || event.sender !== me) options.onMessage?.(notice, room)
    },
  })
  onCleanup(roomKeys.onMissed(rooms.refreshSoon))
  const sendQueue = createSendQueue(client, localStore, (room, seq) => {
    for (const timeline of openTimelines) if (timeline.room === room) timeline.expect(seq)
  })
  const people = createPeople(client, localStore)
  const members = createMembers(client, rooms)
  const typing = createTyping(client, me)
  const preferences = createPreferences(localStore)
  const notify = createNotificationPrefs(preferences)
  const doNotDisturb = createDoNotDisturb(preferences, presence)
  const [account, setAccount] = createSignal<Me>()
  function addAccount(account: Me) {
    setAccount(account)
    people.add([account])
  }
  void callWithRetry(client, 'users.me', {}).then(
    // Until the server has stored a new user's real name, it returns the user id as the name.
    (user) => addAccount(user.name === me ? { ...user, name: identity.name } : user),
    () => undefined,
  )
  /**
   * Number of messages missed while disconnected. With `equals: false`, each reconnect restarts the
   * timer of ConnectionBanner, even if the number is the same as before.
   */
  const [recovered, setRecovered] = createSignal<number | 'many'>(0, { equals: false })

  onCleanup(
    connection.onReconnect(async (offlineMs) => {
      presence.resync()
      members.invalidate()
      sendQueue.adopt()
      rooms.resync()
      const missed = await Promise.all([...openTimelines].map(({ sync }) => sync()))
      if (offlineMs >= graceMs) setRecovered(countMissed(missed))
    }),
  )

  /** The timelines of a room and a thread may have missed the same message, which counts once. */
  function countMissed(all: readonly MissedEvents[]): number | 'many' {
    const missed = all.flat()
    const placed = missed.filter((event) => event !== 'lost')
    if (placed.length < missed.length) return 'many'
    const ofOthers = placed.filter(({ event }) => event.kind === 'message' && event.sender !== me)
    return new Set(ofOthers.map(({ seq }) => seq)).size
  }

  function openTimeline(
    room: RoomId,
    { threadId, onEvent, ...position }: Omit<TimelineOptions, 'client' | 'room' | 'lastSeq'>,
  ) {
    const timeline = createTimeline({
      client,
      room,
      lastSeq: () => rooms.byId(room)?.lastSeq ?? 0,
      ...position,
      ...(threadId === undefined ? {} : { threadId }),
      onEvent(placed) {
        const { event } = placed
        onEvent?.(placed)
        if (event.kind !== 'message') return
        if (event.sender === me) sendQueue.settle(event.clientId)
        else typing.remove(room, event.sender, event.threadId)
      },
    })
    onCleanup(rooms.listen(room, timeline.receive))
    const open: OpenTimeline = { room, ...timeline }
    openTimelines.add(open)
    onCleanup(() => openTimelines.delete(open))
    if (threadId === undefined) createEffect(on(timeline.items, () => cachePage(room, timeline)))
    presence.ensureLoaded(room)
    if (rooms.byId(room)?.kind === 'public') onCleanup(typing.follow(room))
    return timeline
  }

  function cachePage(room: RoomId, timeline: RoomTimeline) {
    // Does not cache a page that itself came from the cache, an older history page, or a page of a
    // room from which the user was removed.
    if (timeline.opened() === 0 || timeline.hasNewer() || !rooms.byId(room)) return
    const messages = timeline.items().slice(-maxCachedMessages)
    if (messages.length === 0) return
    const page: HistoryPage = { messages, before: true, after: false, asOf: 0 }
    localStore.write(pageKey(room), page)
  }

  return {
    client,
    connection,
    /** Registers a callback that runs when events of large rooms may have been missed. */
    onMissed: roomKeys.onMissed,
    identity,
    me,
    /**
     * Only decides whether the page shows the console: the server authorizes each call of the console.
     */
    isAdmin: identity.roles.includes('admin'),
    rooms,
    sendQueue,
    people,
    account,
    async saveName(name: string | null) {
      const answer = await client.try('users.me', { name })
      if (answer.ok) addAccount(answer.value)
      return answer
    },
    members,
    presence,
    typing,
    threads,
    preferences,
    notify,
    doNotDisturb,
    /**
     * Runs `action`, and reports a failure to `onFailure`. Before that, waits up to `graceMs` for the
     * connection, which may be reconnecting after a token renewal.
     */
    async attempt(action: () => Promise<unknown>) {
      if (!navigator.onLine || !(await connection.waitUntilOnline()))
        return options.onFailure?.('disconnected')
      await action().catch((error: unknown) =>
        options.onFailure?.(isTransient(error) ? 'disconnected' : (error as Error)),
      )
    },
    /** Returns the number of unread messages of a room, without those in threads. */
    countUnread: ({ id, unread }: MyRoom): number =>
      threads.unreadIn(id).reduce((count, thread) => Math.max(0, count - thread.unread), unread),
    recovered,
    clearRecovered: () => setRecovered(0),
    claim: localStore.claim,
    openTimeline,
    readCachedPage: (room: RoomId) => localStore.read<HistoryPage>(pageKey(room)),
    deleteCachedPage: (room: RoomId) => localStore.write(pageKey(room), undefined),
    drafts: createDrafts(localStore),
    edits: {
      read: (place: string) => localStore.readNow<Edit>(`edit ${place}`),
      write: (place: string, edit?: Edit) => localStore.writeNow(`edit ${place}`, edit),
    },
    titleOf: (room: MyRoom): string =>
      room.with === undefined ? room.name : people.name(room.with),
  }
}

export const ChatContext = createContext<Chat>()

export function useChat(): Chat {
  const chat = useContext(ChatContext)
  if (!chat) throw new Error('useChat needs a ChatContext provider')
  return chat
}
