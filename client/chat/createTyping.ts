import { onCleanup } from 'solid-js'
import { createStore, produce } from 'solid-js/store'
import { topics } from '#schema/contracts'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { ChatClient } from './createConnection.ts'

export type Typing = ReturnType<typeof createTyping>

const [shownMs, saidEveryMs] = [5_000, 3_000]

/** Who is writing where, at this moment. */
export function createTyping(client: ChatClient, me: UserId) {
  const [places, setPlaces] = createStore<Record<string, UserId[]>>({})
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  let saidAt = 0

  interface Heard {
    room: RoomId
    userId: UserId
    threadId?: MessageId | undefined
  }
  const hear = ({ room, userId, threadId }: Heard) => {
    if (userId === me) return
    const place = placeOf(room, threadId)
    setPlaces(place, (known = []) => (known.includes(userId) ? known : [...known, userId]))
    const key = `${place} ${userId}`
    clearTimeout(timers.get(key))
    timers.set(
      key,
      setTimeout(() => stop(place, userId), shownMs),
    )
  }
  const stop = (place: string, userId: UserId) => {
    timers.delete(`${place} ${userId}`)
    setPlaces(
      produce((all) => {
        if (all[place]) all[place] = all[place].filter((other) => other !== userId)
      }),
    )
  }
  onCleanup(client.listen(topics.roomTyping, {}, hear))
  onCleanup(client.listen(topics.deliverTyping, { user: me }, hear))
  onCleanup(() => {
    for (const timer of timers.values()) clearTimeout(timer)
  })

  return {
    who: (room: RoomId, threadId?: MessageId): readonly UserId[] =>
      places[placeOf(room, threadId)] ?? [],
    /** We are writing. Said every three seconds at most. */
    say(room: RoomId, threadId?: MessageId) {
      const now = Date.now()
      if (now - saidAt < saidEveryMs) return
      saidAt = now
      client.publish('typing', { room, ...(threadId === undefined ? {} : { threadId }) })
    },
    /** What they wrote is said. */
    stopped: (room: RoomId, userId: UserId, threadId?: MessageId) =>
      stop(placeOf(room, threadId), userId),
  }
}

function placeOf(room: RoomId, threadId?: MessageId): string {
  return threadId === undefined ? room : `${room}/${threadId}`
}
