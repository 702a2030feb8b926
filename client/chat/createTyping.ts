import { onCleanup } from 'solid-js'
import { topics } from '#schema/contracts'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { ChatClient } from '../nats/chatClient.ts'
import { createIdMap } from './createIdMap.ts'

export type Typing = ReturnType<typeof createTyping>

const [shownMs, publishEveryMs] = [5_000, 3_000]
/**
 * A typing notice may arrive after a message that was sent later, because the two have different
 * subjects. So the sender's typing notices are ignored for this long after a message.
 */
const staleAfterMessageMs = 1_000

export function createTyping(client: ChatClient, me: UserId) {
  const places = createIdMap<string, readonly UserId[]>()
  const typingIn = (place: string) => places.peek(place) ?? []
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  const stoppedAt = new Map<string, number>()
  let published = { place: '', at: 0 }

  interface TypingNotice {
    room: RoomId
    userId: UserId
    threadId?: MessageId | undefined
  }
  const show = ({ room, userId, threadId }: TypingNotice) => {
    if (userId === me) return
    const place = keyOf(room, threadId)
    if (Date.now() - (stoppedAt.get(`${place} ${userId}`) ?? 0) < staleAfterMessageMs) return
    const users = typingIn(place)
    if (!users.includes(userId)) places.set(place, [...users, userId])
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
    const users = typingIn(place)
    if (users.includes(userId))
      places.set(
        place,
        users.filter((other) => other !== userId),
      )
  }
  onCleanup(client.listen(topics.deliverTyping, { user: me }, show))
  onCleanup(() => {
    for (const timer of timers.values()) clearTimeout(timer)
  })

  return {
    follow: (room: RoomId): (() => void) => client.listen(topics.roomTyping, { room }, show),
    usersIn: (room: RoomId, threadId?: MessageId): readonly UserId[] =>
      places.get(keyOf(room, threadId)) ?? [],
    publish(room: RoomId, threadId?: MessageId) {
      const place = keyOf(room, threadId)
      const at = Date.now()
      if (place === published.place && at - published.at < publishEveryMs) return
      published = { place, at }
      client.publish('typing', { room, ...(threadId === undefined ? {} : { threadId }) })
    },
    remove(room: RoomId, userId: UserId, threadId?: MessageId) {
      const place = keyOf(room, threadId)
      stoppedAt.set(`${place} ${userId}`, Date.now())
      stop(place, userId)
    },
  }
}

function keyOf(room: RoomId, threadId?: MessageId): string {
  return threadId === undefined ? room : `${room}/${threadId}`
}
