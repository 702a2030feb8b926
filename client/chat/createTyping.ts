import { onCleanup } from 'solid-js'
import { createStore, produce } from 'solid-js/store'
import { topics } from '#schema/contracts'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { ChatClient } from '../nats/chatClient.ts'

export type Typing = ReturnType<typeof createTyping>

const [shownMs, publishEveryMs] = [5_000, 3_000]
/** What is told so soon after a message was told before it, by another way. */
const lateMs = 1_000

/** Who is writing where, at this moment. */
export function createTyping(client: ChatClient, me: UserId) {
  const [places, setPlaces] = createStore<Record<string, UserId[]>>({})
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  const stoppedAt = new Map<string, number>()
  let said = { place: '', at: 0 }

  interface Heard {
    room: RoomId
    userId: UserId
    threadId?: MessageId | undefined
  }
  const hear = ({ room, userId, threadId }: Heard) => {
    if (userId === me) return
    const place = keyOf(room, threadId)
    if (Date.now() - (stoppedAt.get(`${place} ${userId}`) ?? 0) < lateMs) return
    setPlaces(place, (known = []) => (known.includes(userId) ? known : [...known, userId]))
    const key = `${place} ${userId}`
    clearTimeout(timers.get(key))
    timers.set(
      key,
      setTimeout(() => stop(place, userId), shownMs),
    )
  }
  const stop = (place: string, userId: UserId) => {
    clearTimeout(timers.get(`${place} ${userId}`))
    timers.delete(`${place} ${userId}`)
    setPlaces(
      produce((all) => {
        if (all[place]) all[place] = all[place].filter((other) => other !== userId)
      }),
    )
  }
  onCleanup(client.listen(topics.deliverTyping, { user: me }, hear))
  onCleanup(() => {
    for (const timer of timers.values()) clearTimeout(timer)
  })

  return {
    /** Hears who is writing in a public room that is open; answers with what ends it. */
    follow: (room: RoomId): (() => void) => client.listen(topics.roomTyping, { room }, hear),
    who: (room: RoomId, threadId?: MessageId): readonly UserId[] =>
      places[keyOf(room, threadId)] ?? [],
    /** We are writing. Said every three seconds at most, as long as it is in the same place. */
    say(room: RoomId, threadId?: MessageId) {
      const place = keyOf(room, threadId)
      const at = Date.now()
      if (place === said.place && at - said.at < publishEveryMs) return
      said = { place, at }
      client.publish('typing', { room, ...(threadId === undefined ? {} : { threadId }) })
    },
    /** What they wrote is said. */
    stopped(room: RoomId, userId: UserId, threadId?: MessageId) {
      const place = keyOf(room, threadId)
      stoppedAt.set(`${place} ${userId}`, Date.now())
      stop(place, userId)
    },
  }
}

function keyOf(room: RoomId, threadId?: MessageId): string {
  return threadId === undefined ? room : `${room}/${threadId}`
}
