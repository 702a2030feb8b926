import { isCallError } from '#runtime/client'
import type { PendingMessage } from '../chat/createSendQueue.ts'
import type { Language } from './createLanguage.ts'

/**
 * Returns the reason of a failed call in the page's language, because the server's messages are
 * English. Errors that the page throws itself are already translated.
 */
export function errorText(t: Language['t'], error: unknown): string {
  if (isCallError(error)) return t(`problems.${error.code}`)
  return error instanceof Error ? error.message : String(error)
}

/** Returns why a message was not sent. */
export function failureText(t: Language['t'], { code = 'internal' }: PendingMessage): string {
  return t('message.failed', { error: t(`problems.${code}`) })
}
