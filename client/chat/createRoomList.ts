import { createEffect, createSignal } from 'solid-js'
import { createStore, reconcile, unwrap } from 'solid-js/store'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { LocalStore } from './localStore.ts'

export const roomsKey = 'rooms'

/** Prefixes the id, because Solid's stores ignore keys such as `__proto__`. */
const toKey = (id: RoomId): `room ${string}` => `room ${id}`

/**
 * Sorts rooms with newer events first. Compares sequence numbers only if the times are equal or
 * unknown: two rooms may be in different partitions of the event log, whose sequence numbers are
 * unrelated.
 */
export function byActivity(a: MyRoom, b: MyRoom): number {
  const [atA = '', atB = ''] = [a.lastAt, b.lastAt]
  if (atA === atB) return b.lastSeq - a.lastSeq
  return atA < atB ? 1 : -1
}

export function createRoomList(localStore: LocalStore) {
  const [rooms, setRooms] = createStore<Record<`room ${string}`, MyRoom>>({})
  const [isLoaded, setLoaded] = createSignal(false)
  const list = (): MyRoom[] => Object.values(rooms).filter((room) => room !== undefined)

  createEffect(() => {
    if (!isLoaded()) return
    const all = list()
    // `unwrap` below does not track these fields, so the effect reads them here.
    for (const { unread, mentions, readSeq, lastSeq, lastAt, name } of all)
      void [unread, mentions, readSeq, lastSeq, lastAt, name]
    localStore.write(
      roomsKey,
      all.map((room) => ({ ...unwrap(room) })),
    )
  })

  return {
    byId: (id: RoomId): MyRoom | undefined => rooms[toKey(id)],
    isLoaded,
    list,
    readCached: () => localStore.read<MyRoom[]>(roomsKey),
    replace(all: readonly MyRoom[]) {
      const byKey = Object.fromEntries(all.map((room) => [toKey(room.id), room]))
      setRooms(reconcile(byKey, { key: null }))
      setLoaded(true)
    },
    update: (id: RoomId, fields: Partial<MyRoom>) => setRooms(toKey(id), fields),
    remove: (id: RoomId) => setRooms(toKey(id), undefined as never),
  }
}
