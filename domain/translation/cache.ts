import { hash } from 'node:crypto'
import type { Context } from '#runtime'
import type { MessageId } from '#schema/ids'
import type { TranslationOrder } from '#schema/messages/translate'
import { TRANSLATE_CACHE } from '#schema/streams'
import { findMessage } from '../messages/message-cache.ts'
import type { Engine } from './engine.ts'

/** Increase this when an engine translates the same text differently, for example after a change of the prompt. */
const version = 1

export interface CachedText {
  id: MessageId
  text: string
  to: string
}

export function toCacheKey({ id, text, to }: CachedText, { name, model }: Engine): string {
  const digest = hash('sha256', JSON.stringify([version, text, to, name, model]))
  return `${id}.${digest.slice(0, 32)}`
}

export async function findCached(key: string, context: Context) {
  return (await context.kv(TRANSLATE_CACHE).get(key))?.value
}

export async function storeTranslation(
  { key, message, text, from }: TranslationOrder,
  translatedText: string,
  context: Context,
): Promise<void> {
  if (!message) return
  const cache = context.kv(TRANSLATE_CACHE)
  await cache.put(key, { translatedText, ...(from === undefined ? {} : { from }) })
  // The message is read after the write. If it was edited or deleted before the entry existed, the
  // entry is deleted here.
  const current = await findMessage(message.notifyId, context, { fresh: true })
  if (current?.text !== text) await cache.delete(key)
}

export async function eraseTranslations(id: MessageId, context: Context): Promise<void> {
  const cache = context.kv(TRANSLATE_CACHE)
  const entries = await cache.list(`${id}.*`)
  await Promise.all(entries.map(({ key }) => cache.delete(key)))
}
