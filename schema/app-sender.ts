import type { UserId } from './ids.ts'
import type { AppId } from './messages/app.ts'

const prefix = '_app_'

/**
 * Returns the id of an app as a sender of messages. It differs from all users' ids by its prefix.
 */
export function appSender(app: AppId): UserId {
  return `${prefix}${app}` as UserId
}

/** Returns the app that has sent a message, or undefined if the sender is a user. */
export function appOfSender(sender: string): AppId | undefined {
  return sender.startsWith(prefix) ? (sender.slice(prefix.length) as AppId) : undefined
}
