import { isCallError } from '#runtime/client'
import type { PendingMessage } from '../chat/createSendQueue.ts'
import type { Language } from './createLanguage.ts'

/** Translates errors of the server. Errors of the page itself are already in the page's language. */
export function errorText(t: Language['t'], error: unknown): string {
  if (isCallError(error)) return t(`problems.${error.code}`)
  return error instanceof Error ? error.message : String(error)
}

export function failureText(t: Language['t'], { code = 'internal' }: PendingMessage): string {
  return t('message.failed', { error: t(`problems.${code}`) })
}
