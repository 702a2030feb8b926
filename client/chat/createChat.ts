import { createContext, createEffect, createSignal, on, onCleanup, useContext } from 'solid-js'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { MyRoom } from '#schema/messages/room'
import type { SessionIdentity } from '../auth/identity.ts'
import { callWithRetry, isTransient } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { type Connection, graceMs } from '../nats/createConnection.ts'
import { createDoNotDisturb } from './createDoNotDisturb.ts'
import { createFollowedThreads } from './createFollowedThreads.ts'
import { createMembers } from './createMembers.ts'
import { createNotificationPrefs } from './createNotificationPrefs.ts'
import { createPeople } from './createPeople.ts'
import { createPresence } from './createPresence.ts'
import type { MissedEvents } from './createRoomFeed.ts'
import { createRooms, type RemovalReason } from './createRooms.ts'
import { createSendQueue } from './createSendQueue.ts'
import { createTimeline, type RoomTimeline, type TimelineOptions } from './createTimeline.ts'
import { createTyping } from './createTyping.ts'
import { type LocalStore, pageKey } from './localStore.ts'
import type { HistoryPage } from './timeline.ts'

export type Chat = ReturnType<typeof createChat>

export interface ChatOptions {
  client: ChatClient
  connection: Connection
  identity: SessionIdentity
  localStore: LocalStore
  /** Something was said in a room of ours: by somebody else, where the notice says by whom. */
  onMessage?: (notice: Notice, room: MyRoom) => void
  /** While the connection was away, more was said in a room than is known to have been heard. */
  onMissed?: (room: MyRoom, before: MyRoom) => void
  onGone?: (room: MyRoom, why: RemovalReason) => void
  /** Something that somebody wanted done was not. */
  onFailure?: (why: Error | 'away') => void
}

type OpenTimeline = { room: RoomId } & Pick<RoomTimeline, 'sync' | 'expect'>

interface Edit {
  id: MessageId
  text: string
}

/** How many messages of a room are shown before the server has answered. */
const maxCachedMessages = 40

/** Everything one person sees and does, on one connection. */
export function createChat(options: ChatOptions) {
  const { client, connection, identity, localStore } = options
  const me = identity.user as UserId
  /** The rooms and threads that somebody looks at. */
  const looked = new Set<OpenTimeline>()
  const threads = createFollowedThreads(localStore, me)
  const presence = createPresence(client, me)
  const rooms = createRooms({
    ...options,
    me,
    follow: ({ id, kind }) => presence.follow(id, kind === 'public'),
    onMessage(notice, room) {
      const { event } = notice
      if (event?.kind === 'message') threads.note(event)
      if (event?.kind !== 'message' || event.sender !== me) options.onMessage?.(notice, room)
    },
  })
  const outbox = createSendQueue(client, localStore, (room, seq) => {
    for (const it of looked) if (it.room === room) it.expect(seq)
  })
  const people = createPeople(client, localStore)
  const members = createMembers(client, rooms)
  const typing = createTyping(client, me)
  const notify = createNotificationPrefs(localStore)
  const quiet = createDoNotDisturb(localStore, presence)
  void callWithRetry(client, 'users.me', {}).then(
    // Whoever is here for the first time has no name yet but that of their token.
    ({ name }) => people.learn(me, name === me ? identity.name : name),
    () => undefined,
  )
  /** How many messages came in while the connection was away, until somebody has seen that: each time. */
  const [recovered, setRecovered] = createSignal<number | 'many'>(0, { equals: false })

  onCleanup(
    connection.onReconnect(async (awayMs) => {
      presence.renew()
      members.renew()
      outbox.adopt()
      rooms.renew()
      const missed = await Promise.all([...looked].map(({ sync }) => sync()))
      if (awayMs >= graceMs) setRecovered(countHeard(missed))
    }),
  )

  /** How many messages of others these are: a room and a thread of it may both have missed one. */
  function countHeard(all: readonly MissedEvents[]): number | 'many' {
    const missed = all.flat()
    const known = missed.filter((it) => it !== 'lost')
    if (known.length < missed.length) return 'many'
    const heard = known.filter(({ event }) => event.kind === 'message' && event.sender !== me)
    return new Set(heard.map(({ seq }) => seq)).size
  }

  /** A room or a thread, for as long as its owner looks at it. */
  function openTimeline(
    room: RoomId,
    { threadId, onEvent, ...where }: Omit<TimelineOptions, 'client' | 'room' | 'lastSeq'>,
  ) {
    const timeline = createTimeline({
      client,
      room,
      lastSeq: () => rooms.byId[room]?.lastSeq ?? 0,
      ...where,
      ...(threadId === undefined ? {} : { threadId }),
      onEvent(placed) {
        const { event } = placed
        onEvent?.(placed)
        if (event.kind !== 'message') return
        threads.note(event)
        if (event.sender === me) outbox.settle(event.clientId)
        else typing.stopped(room, event.sender, event.threadId)
      },
    })
    onCleanup(rooms.listen(room, timeline.hear))
    const it: OpenTimeline = { room, ...timeline }
    looked.add(it)
    onCleanup(() => looked.delete(it))
    if (threadId === undefined) createEffect(on(timeline.items, () => keep(room, timeline)))
    presence.look(room)
    if (rooms.byId[room]?.kind === 'public') onCleanup(typing.follow(room))
    return timeline
  }

  function keep(room: RoomId, timeline: ReturnType<typeof createTimeline>) {
    // Only what the server has said; and nothing of a room that we were removed from.
    if (timeline.opened() === 0 || timeline.hasNewer() || !rooms.byId[room]) return
    const messages = timeline.items().slice(-maxCachedMessages)
    if (messages.length === 0) return
    const page: HistoryPage = { messages, before: true, after: false, asOf: 0 }
    localStore.write(pageKey(room), page)
  }

  return {
    client,
    connection,
    identity,
    me,
    /** Sees the console. The server decides by itself who may. */
    isAdmin: identity.roles.includes('admin'),
    rooms,
    outbox,
    people,
    members,
    presence,
    typing,
    threads,
    notify,
    quiet,
    /**
     * Does what somebody has pressed, and says so where that fails: without a network at once, without
     * a connection if it is not back in a moment, as it is when it is made anew with another token.
     */
    async attempt(what: () => Promise<unknown>) {
      if (!navigator.onLine || !(await connection.waitUntilOnline()))
        return options.onFailure?.('away')
      await what().catch((error: unknown) =>
        options.onFailure?.(isTransient(error) ? 'away' : (error as Error)),
      )
    },
    recovered,
    clearRecovered: () => setRecovered(0),
    claim: localStore.claim,
    openTimeline,
    readCachedPage: (room: RoomId) => localStore.read<HistoryPage>(pageKey(room)),
    deleteCachedPage: (room: RoomId) => localStore.write(pageKey(room), undefined),
    drafts: {
      read: (place: string) => localStore.readNow<string>(`draft ${place}`) ?? '',
      write: (place: string, text: string) => localStore.writeNow(`draft ${place}`, text),
    },
    /** A message that is being edited, and how far that is. */
    edits: {
      read: (place: string) => localStore.readNow<Edit>(`edit ${place}`),
      write: (place: string, edit?: Edit) => localStore.writeNow(`edit ${place}`, edit),
    },
    /** What a room is called, for whoever is in it. */
    titleOf: (room: MyRoom): string =>
      room.with === undefined ? room.name : people.name(room.with),
  }
}

export const ChatContext = createContext<Chat>()

export function useChat(): Chat {
  const chat = useContext(ChatContext)
  if (!chat) throw new Error('There is no chat around this')
  return chat
}
