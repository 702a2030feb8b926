import { createContext, createSignal, onCleanup, useContext } from 'solid-js'
import type { MessageId, RoomId } from '#schema/ids'

/** What is shown: `/r/{room}`, with a message of it `/r/{room}/m/{seq}`, with a thread `/r/{room}/t/{id}`. */
export interface Place {
  room?: RoomId
  /** The place of a message in its room. */
  message?: number
  thread?: MessageId
}

export type Places = ReturnType<typeof createPlace>

/** Where one is, as the address bar says. */
export function createPlace() {
  const [place, setPlace] = createSignal(readPlace(window.location.pathname))
  const onPop = () => setPlace(readPlace(window.location.pathname))
  window.addEventListener('popstate', onPop)
  onCleanup(() => window.removeEventListener('popstate', onPop))

  return {
    place,
    go(to: Place, how: 'push' | 'replace' = 'push') {
      const path = pathOf(to)
      if (path === window.location.pathname) return
      if (how === 'push') window.history.pushState(null, '', path)
      else window.history.replaceState(null, '', path)
      setPlace(to)
    },
  }
}

export function pathOf({ room, message, thread }: Place): string {
  if (room === undefined) return '/'
  if (thread !== undefined) return `/r/${room}/t/${thread}`
  return message === undefined ? `/r/${room}` : `/r/${room}/m/${message}`
}

function readPlace(path: string): Place {
  const [, room, kind, rest] =
    /^\/r\/([a-z0-9_-]{1,64})(?:\/(m|t)\/([0-9a-f]{1,32}))?$/.exec(path) ?? []
  if (!room) return {}
  const place: Place = { room: room as RoomId }
  if (kind === 'm' && /^\d+$/.test(rest ?? '')) place.message = Number(rest)
  if (kind === 't') place.thread = rest as MessageId
  return place
}

export const PlaceContext = createContext<Places>()

export function usePlace(): Places {
  const places = useContext(PlaceContext)
  if (!places) throw new Error('There is no place around this')
  return places
}
