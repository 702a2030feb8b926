import { isCallError } from '#runtime/client'
import type { PendingMessage } from '../chat/createSendQueue.ts'
import type { Language } from './createLanguage.ts'

/** Translates the server's errors. Those of the page are already in its language. */
export function errorText(t: Language['t'], error: unknown): string {
  if (isCallError(error)) return t(`problems.${error.code}`)
  return error instanceof Error ? error.message : String(error)
}

export function failureText(t: Language['t'], { code = 'internal' }: PendingMessage): string {
  return t('message.failed', { error: t(`problems.${code}`) })
}
