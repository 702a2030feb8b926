import type { Role } from './messages/room.ts'

/**
 * The API that the component of a room app uses. The component runs in a frame. Its calls of this
 * API become messages between the frame and the page: see `MessageFromApp` and `MessageToApp`. Each
 * message is a JSON string.
 */
export interface AppBridge {
  /**
   * Use `user` and `room` only for display: the server takes the user and the room of a call from
   * the call's subject.
   */
  readonly user: { id: string; name: string; role: Role }
  readonly room: { id: string; name: string }
  readonly locale: string
  /**
   * Calls an action of the app. Rejects with an {@link AppError}. At most 16 calls of `request` and
   * `names` may be pending, and 30 may start in a second. Further calls are rejected with
   * `rate_limited`.
   */
  request(action: string, data?: unknown): Promise<unknown>
  /** Returns the display names of at most 100 users, by user id. */
  names(users: readonly string[]): Promise<Record<string, string>>
  /**
   * Calls `callback` with the data of each update. Calls it with undefined if updates may have been
   * missed: the app must then read its data again.
   */
  onUpdated(callback: (data: unknown) => void): void
  /** Calls `callback` when the user has chosen another language. */
  onLocale(callback: () => void): void
}

/**
 * The element `room-app-{app}`, which an app defines. `setBridge` is called once, before the
 * element is added to the document.
 */
export interface AppElement extends HTMLElement {
  setBridge(bridge: AppBridge): void
}

export interface AppProblem {
  code: string
  message: string
  /** The message to show to the user, in the language of the page. */
  text: string
  retryAfterMs?: number
}

export interface AppError extends Error {
  code: string
  /** The message to show to the user, in the language of the page. */
  text: string
  retryAfterMs?: number
}

interface Theme {
  scheme: string
  tokens: Record<string, string>
}

interface Locale {
  locale: string
  dir: 'ltr' | 'rtl'
}

/**
 * The first message from the page to the frame. It transfers the MessagePort through which all
 * other messages are sent.
 */
export type AppHello = Pick<AppBridge, 'user' | 'room'> & { app: string; theme: Theme } & Locale

export type MessageToApp =
  | { id: number; value: unknown }
  | { id: number; error: AppProblem }
  | { event: 'updated'; data: unknown }
  | { event: 'stale' }
  | { theme: Theme }
  | Locale
  | { ping: true }
  /** The user has moved the focus to the app by keyboard. */
  | { focus: true }

export type MessageFromApp =
  | { ready: true }
  | { pong: true }
  | { id: number; action: string; data?: unknown }
  | { id: number; names: readonly string[] }
  | { key: 'Escape' | 'F6' }
  /**
   * The app has changed the hash of its URL, which adds an entry to the history of the tab. The
   * page ends an app that does so a second time.
   */
  | { navigated: true }
