import * as v from 'valibot'
import { type Engine, EngineUnavailableError, fetchFrom } from './engine.ts'
import { usePlaceholders } from './placeholders.ts'

const Languages = v.array(v.object({ code: v.string(), targets: v.array(v.string()) }))
const Answer = v.object({ translatedText: v.string() })

export function createLibreTranslate(options: { url: string; apiKey: string | undefined }): Engine {
  const { url, apiKey } = options
  const fail = (problem: string) => new EngineUnavailableError(`LibreTranslate: ${problem}`)
  return {
    name: 'libretranslate',
    model: '',
    isLocal: false,
    async probe(signal) {
      const response = await fetchFrom(`${url}/languages`, { signal })
      const { success, output } = v.safeParse(Languages, await response.json().catch(() => null))
      if (!success) throw fail(`${url} answers ${response.status} without a list of languages`)
      return Object.fromEntries(output.map(({ code, targets }) => [code, targets]))
    },
    async *translate({ parts, from, to, signal }) {
      const { text, restore } = usePlaceholders(parts)
      const response = await fetchFrom(`${url}/translate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          q: text,
          source: from ?? 'auto',
          target: to,
          format: 'text',
          ...(apiKey ? { api_key: apiKey } : {}),
        }),
        signal,
      })
      const { success, output } = v.safeParse(Answer, await response.json().catch(() => null))
      if (!response.ok || !success) throw fail(`no translation, status ${response.status}`)
      yield restore(output.translatedText, true)
    },
  }
}
