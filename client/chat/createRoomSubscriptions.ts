import { onCleanup } from 'solid-js'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { MyRoom } from '#schema/messages/room'
import type { ChatClient } from '../nats/chatClient.ts'

interface SubscriptionsOptions {
  client: ChatClient
  me: UserId
  /** Called when a room is subscribed. The returned function is called when it is unsubscribed. */
  follow?: (room: MyRoom) => () => void
  onNotice: (notice: Notice) => void
}

export function createRoomSubscriptions({ client, me, follow, onNotice }: SubscriptionsOptions) {
  const listeners = new Map<RoomId, Set<(notice: Notice) => void>>()
  const subscriptions = new Map<RoomId, () => void>()
  onCleanup(client.listen(topics.deliverNotify, { user: me }, onNotice))
  onCleanup(() => {
    for (const stop of subscriptions.values()) stop()
  })

  /** Only public rooms need a subscription: notices of other rooms arrive on the user's own subject. */
  function subscribe(room: MyRoom) {
    const stop =
      room.kind === 'public'
        ? client.listen(topics.roomNotify, { room: room.id }, onNotice)
        : undefined
    const unfollow = follow?.(room)
    subscriptions.set(room.id, () => {
      stop?.()
      unfollow?.()
    })
  }

  function unsubscribe(id: RoomId) {
    subscriptions.get(id)?.()
    subscriptions.delete(id)
  }

  return {
    replace(rooms: readonly MyRoom[]): MyRoom[] {
      const ids = new Set(rooms.map(({ id }) => id))
      for (const id of subscriptions.keys()) if (!ids.has(id)) unsubscribe(id)
      const added = rooms.filter(({ id }) => !subscriptions.has(id))
      for (const room of added) subscribe(room)
      return added
    },
    unsubscribe,
    notify(notice: Notice) {
      for (const listener of listeners.get(notice.room) ?? []) listener(notice)
    },
    listen(room: RoomId, listener: (notice: Notice) => void): () => void {
      const ofRoom = listeners.get(room) ?? new Set()
      listeners.set(room, ofRoom.add(listener))
      return () => ofRoom.delete(listener)
    },
  }
}
