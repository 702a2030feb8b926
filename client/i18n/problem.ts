import { isCallError } from '#runtime/client'
import type { PendingMessage } from '../chat/createSendQueue.ts'
import type { Language } from './createLanguage.ts'

/**
 * Why something was not done, in the words of the page: the server speaks English only. What the page has
 * thrown itself is in its words already.
 */
export function errorText(t: Language['t'], error: unknown): string {
  if (isCallError(error)) return t(`problems.${error.code}`)
  return error instanceof Error ? error.message : String(error)
}

/** Why a message was not sent. */
export function failureText(t: Language['t'], { code = 'internal' }: PendingMessage): string {
  return t('message.failed', { error: t(`problems.${code}`) })
}
