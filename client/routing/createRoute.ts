import { createContext, createSignal, onCleanup, useContext } from 'solid-js'
import type { MessageId, RoomId } from '#schema/ids'

/**
 * What is shown: a room `/r/{room}`, a message of it `/r/{room}/m/{id}`, a thread beside it
 * `/r/{room}/t/{id}`, and a message in that `/r/{room}/t/{id}/m/{id}`; or the console, `/console`.
 */
export interface Route {
  room?: RoomId
  thread?: MessageId
  message?: MessageId
  console?: ConsolePart
}

export const consoleParts = ['functions', 'dead', 'traces'] as const
export type ConsolePart = (typeof consoleParts)[number]

export type Router = ReturnType<typeof createRoute>

/** Where one is, as the address bar says. */
export function createRoute() {
  const [place, setPlace] = createSignal(parsePath(window.location.pathname))
  const onPop = () => setPlace(parsePath(window.location.pathname))
  window.addEventListener('popstate', onPop)
  onCleanup(() => window.removeEventListener('popstate', onPop))

  return {
    place,
    /** Going where one is already shows it again. */
    go(to: Route, how: 'push' | 'replace' = 'push') {
      const path = pathOf(to)
      if (path !== window.location.pathname) {
        if (how === 'push') window.history.pushState(null, '', path)
        else window.history.replaceState(null, '', path)
      }
      setPlace(to)
    },
  }
}

export function pathOf({ room, thread, message, console }: Route): string {
  if (console !== undefined) return console === 'functions' ? '/console' : `/console/${console}`
  if (room === undefined) return '/'
  const besides = thread === undefined ? '' : `/t/${thread}`
  return `/r/${room}${besides}${message === undefined ? '' : `/m/${message}`}`
}

/** What is copied to be shown to others: a message in a thread is found by its id alone as well. */
export function linkTo(place: Route): string {
  return window.location.origin + pathOf(place)
}

export function parsePath(path: string): Route {
  const part = consoleParts.find((console) => pathOf({ console }) === path)
  if (part) return { console: part }
  const [, room, thread, message] =
    /^\/r\/([a-z0-9_-]{1,64})(?:\/t\/([0-9a-f]{32}))?(?:\/m\/([0-9a-f]{32}))?$/.exec(path) ?? []
  if (!room) return {}
  const place: Route = { room: room as RoomId }
  if (thread) place.thread = thread as MessageId
  if (message) place.message = message as MessageId
  return place
}

export const RouteContext = createContext<Router>()

export function useRoute(): Router {
  const places = useContext(RouteContext)
  if (!places) throw new Error('There is no place around this')
  return places
}
