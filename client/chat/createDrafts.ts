import { createSignal, onCleanup } from 'solid-js'
import type { LocalStore } from './localStore.ts'

const prefix = 'draft '

/** Stores unsent texts by their place: a room (`{room}`) or a thread (`{room}/{thread}`). */
export function createDrafts(store: LocalStore) {
  const readRooms = () =>
    new Set(store.keysNow(prefix).map((key) => key.slice(prefix.length).split('/')[0]))
  const [rooms, setRooms] = createSignal(readRooms())
  const update = () => setRooms(readRooms)
  onCleanup(store.watchNow(prefix, update))
  const read = (place: string) => store.readNow<string>(prefix + place) ?? ''

  return {
    read,
    write(place: string, text: string) {
      const had = read(place) !== ''
      store.writeNow(prefix + place, text)
      if (had !== (text !== '')) update()
    },
    isIn: (room: string) => rooms().has(room),
  }
}
