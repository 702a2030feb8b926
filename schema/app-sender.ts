import type { UserId } from './ids.ts'
import type { AppId } from './messages/app.ts'

const prefix = '_app_'

/** Returns the sender of messages of an app. No user gets an id with this prefix. */
export function appSender(app: AppId): UserId {
  return `${prefix}${app}` as UserId
}

/** Returns the app that has sent a message, or undefined if a user has. */
export function appOfSender(sender: string): AppId | undefined {
  return sender.startsWith(prefix) ? (sender.slice(prefix.length) as AppId) : undefined
}
