import { createSignal } from 'solid-js'
import type { AppBridge } from '#schema/app-bridge'
import { ar } from './ar.ts'
import { de } from './de.ts'
import { en, type Words } from './en.ts'
import { zh } from './zh.ts'

type Args = Record<string, string | number>

const languages: Record<string, Words> = { en, de, zh, ar }

/** Returns the texts in the page's language, also after the user has chosen another one. */
export function useWords(bridge: AppBridge) {
  const [locale, setLocale] = createSignal(bridge.locale)
  bridge.onLocale(() => setLocale(bridge.locale))
  const words = () => languages[locale().split('-')[0] ?? ''] ?? en
  const fill = (text: string, args: Args) =>
    text.replace(/\{\{ (\w+) \}\}/g, (placeholder, name) => String(args[name] ?? placeholder))
  return {
    w: (key: Exclude<keyof Words, 'voters'>, args: Args = {}) => fill(words()[key], args),
    voters(count: number) {
      const forms = words().voters
      const form = forms[new Intl.PluralRules(locale()).select(count)] ?? forms.other
      return fill(form, { count: new Intl.NumberFormat(locale()).format(count) })
    },
    number: (value: number) => new Intl.NumberFormat(locale()).format(value),
    percent: (value: number) => new Intl.NumberFormat(locale(), { style: 'percent' }).format(value),
    list: (names: readonly string[]) => new Intl.ListFormat(locale()).format(names),
  }
}
