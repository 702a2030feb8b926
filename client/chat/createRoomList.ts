import { createEffect, createSignal } from 'solid-js'
import { createStore, reconcile, unwrap } from 'solid-js/store'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { LocalStore } from './localStore.ts'

const key = 'rooms'

/** The rooms of the user as a reactive store, cached in this browser. */
export function createRoomList(localStore: LocalStore) {
  const [byId, setRooms] = createStore<Record<RoomId, MyRoom>>({})
  const [isLoaded, setLoaded] = createSignal(false)
  const list = (): MyRoom[] => Object.values(byId).filter((room) => room !== undefined)

  createEffect(() => {
    if (!isLoaded()) return
    const rooms = list()
    // `unwrap` below does not track these fields, so the effect reads them here.
    for (const { unread, mentions, readSeq, lastSeq, name } of rooms)
      void [unread, mentions, readSeq, lastSeq, name]
    localStore.write(
      key,
      rooms.map((room) => ({ ...unwrap(room) })),
    )
  })

  return {
    byId: byId as Readonly<Record<RoomId, MyRoom | undefined>>,
    isLoaded,
    list,
    readCached: () => localStore.read<MyRoom[]>(key),
    replace(rooms: readonly MyRoom[]) {
      setRooms(reconcile(Object.fromEntries(rooms.map((room) => [room.id, room])), { key: null }))
      setLoaded(true)
    },
    update: (id: RoomId, fields: Partial<MyRoom>) => setRooms(id, fields),
    remove: (id: RoomId) => setRooms(id, undefined as never),
  }
}
