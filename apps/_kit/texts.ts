import { createSignal } from 'solid-js'
import type { AppBridge } from '#schema/app-bridge'

/** A text with one form per CLDR plural category. A missing category uses `other`. */
export type Plural = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>

/** Texts by key. `{{ name }}` is a placeholder; `{{ count }}` also selects the form of a plural. */
export type Words = Readonly<Record<string, string | Plural>>

export type Languages<Texts extends Words> = Readonly<Record<'en' | 'de' | 'zh' | 'ar', Texts>>

type Args = Readonly<Record<string, string | number>>

/** Returns texts and formats in the language of the page. They change when the user chooses another language. */
export function createTexts<Texts extends Words>(bridge: AppBridge, languages: Languages<Texts>) {
  const [locale, setLocale] = createSignal(bridge.locale)
  bridge.onLocale(() => setLocale(bridge.locale))
  const words = (): Texts =>
    (languages as Partial<Record<string, Texts>>)[locale().split('-')[0] ?? ''] ?? languages.en
  const number = (value: number) => new Intl.NumberFormat(locale()).format(value)

  function t<Key extends keyof Texts>(key: Key, args: Args = {}): string {
    return formOf(words()[key], Number(args.count)).replace(
      /\{\{ (\w+) \}\}/g,
      (placeholder, name) => {
        const value = args[name] ?? placeholder
        return typeof value === 'number' ? number(value) : value
      },
    )
  }

  function formOf(word: string | Plural = '', count = 0): string {
    if (typeof word === 'string') return word
    return word[new Intl.PluralRules(locale()).select(count)] ?? word.other
  }

  return {
    t,
    locale,
    number,
    percent: (value: number) => new Intl.NumberFormat(locale(), { style: 'percent' }).format(value),
    list: (names: readonly string[]) => new Intl.ListFormat(locale()).format(names),
  }
}
