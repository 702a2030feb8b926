import { createContext, createSignal, onCleanup, useContext } from 'solid-js'
import type { MessageId, RoomId } from '#schema/ids'

/**
 * The URLs are `/r/{room}`, `/r/{room}/m/{id}`, `/r/{room}/t/{id}`, `/r/{room}/t/{id}/m/{id}` or
 * `/console/{part}`.
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

export function createRoute() {
  const [route, setRoute] = createSignal(parsePath(window.location.pathname))
  const onPop = () => setRoute(parsePath(window.location.pathname))
  window.addEventListener('popstate', onPop)
  onCleanup(() => window.removeEventListener('popstate', onPop))

  return {
    route,
    /**
     * Also notifies subscribers if `to` is the current route, so that a link to the current message
     * scrolls to it again.
     */
    go(to: Route, history: 'push' | 'replace' = 'push') {
      const path = pathOf(to)
      if (path !== window.location.pathname) {
        if (history === 'push') window.history.pushState(null, '', path)
        else window.history.replaceState(null, '', path)
      }
      setRoute(to)
    },
  }
}

export function pathOf({ room, thread, message, console }: Route): string {
  if (console !== undefined) return console === 'functions' ? '/console' : `/console/${console}`
  if (room === undefined) return '/'
  const threadPath = thread === undefined ? '' : `/t/${thread}`
  return `/r/${room}${threadPath}${message === undefined ? '' : `/m/${message}`}`
}

/**
 * Returns the absolute URL of a route. For a message in a thread, the thread may be omitted: the
 * page finds it when the link is opened.
 */
export function linkTo(route: Route): string {
  return window.location.origin + pathOf(route)
}

export function parsePath(path: string): Route {
  const part = consoleParts.find((console) => pathOf({ console }) === path)
  if (part) return { console: part }
  const [, room, thread, message] =
    /^\/r\/([a-z0-9_-]{1,64})(?:\/t\/([0-9a-f]{32}))?(?:\/m\/([0-9a-f]{32}))?$/.exec(path) ?? []
  if (!room) return {}
  const route: Route = { room: room as RoomId }
  if (thread) route.thread = thread as MessageId
  if (message) route.message = message as MessageId
  return route
}

export const RouteContext = createContext<Router>()

export function useRoute(): Router {
  const router = useContext(RouteContext)
  if (!router) throw new Error('useRoute needs a RouteContext provider')
  return router
}
