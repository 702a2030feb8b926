import { flatten } from '@solid-primitives/i18n'
import {
  createContext,
  createEffect,
  createMemo,
  createSignal,
  onCleanup,
  useContext,
} from 'solid-js'
import type { UserId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { argsOf } from '../apps/card.ts'
import { en, type Plural, type Words } from './en.ts'

const flattenWords = (words: Words) => flatten(words)
type FlatWords = ReturnType<typeof flattenWords>

/** Most English texts are part of the first load. The other languages are loaded when chosen. */
export const languages = {
  en: { name: 'English', load: async () => flatten((await import('./enLater.ts')).enLater) },
  de: { name: 'Deutsch', load: async () => flattenWords((await import('./de.ts')).de) },
  zh: { name: '中文', load: async () => flattenWords((await import('./zh.ts')).zh) },
  ar: { name: 'العربية', load: async () => flattenWords((await import('./ar.ts')).ar) },
}
export type LanguageCode = keyof typeof languages

const retryDelayMs = 5_000
const rightToLeft: ReadonlySet<string> = new Set(['ar'])

type KeyOf<Kind> = {
  [Part in keyof Words]: {
    [Key in keyof Words[Part]]: Words[Part][Key] extends Kind ? `${Part}.${Key & string}` : never
  }[keyof Words[Part]]
}[keyof Words]

type Args = Record<string, string | number>

/**
 * Replaces all placeholders in one pass, so that `$&` or `{{ name }}` in a value is not replaced.
 */
export function fill(text: string, args: Args): string {
  return text.replace(/\{\{ (\w+) \}\}/g, (placeholder, name) => String(args[name] ?? placeholder))
}

export type Language = ReturnType<typeof createLanguage>

export function createLanguage(chosen: () => string) {
  const code = (): LanguageCode => {
    const preferred = [chosen(), ...navigator.languages].map((tag) => tag.split('-')[0] ?? '')
    return preferred.find((tag): tag is LanguageCode => Object.hasOwn(languages, tag)) ?? 'en'
  }
  const first = flatten(en)
  const [words, setWords] = createSignal(first as FlatWords)
  createEffect(() => {
    const current = code()
    let timer: ReturnType<typeof setTimeout>
    onCleanup(() => clearTimeout(timer))
    void load()

    async function load() {
      try {
        const loaded = await languages[current].load()
        if (code() !== current) return
        setWords({ ...first, ...loaded } as FlatWords)
        document.documentElement.lang = current
        document.documentElement.dir = rightToLeft.has(current) ? 'rtl' : 'ltr'
      } catch {
        timer = setTimeout(load, retryDelayMs)
      }
    }
  })
  /**
   * The locale for dates, numbers and lists. It includes a region, as in `en-GB`, if the browser's
   * language settings contain one for the page's language.
   */
  const locale = (): string =>
    navigator.languages.find((tag) => tag.split('-')[0] === code()) ?? code()
  const rules = createMemo(() => new Intl.PluralRules(code()))
  // The formatters are cached, because every message shows a time, and creating a formatter costs
  // more than using it.
  const time = createMemo(() => new Intl.DateTimeFormat(locale(), { timeStyle: 'short' }))
  const day = createMemo(() => new Intl.DateTimeFormat(locale(), { dateStyle: 'full' }))
  const list = createMemo(() => new Intl.ListFormat(locale(), { type: 'conjunction' }))
  return {
    code,
    locale,
    t: (key: KeyOf<string>, args: Args = {}) => fill(words()[key] ?? '', args),
    tn: (key: KeyOf<Plural>, count: number, args: Args = {}) => {
      const forms: Plural = words()[key]
      return fill(forms[rules().select(count)] ?? forms.other, { ...args, count })
    },
    momentOf: (at: string | number) =>
      new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'short' }).format(
        new Date(at),
      ),
    timeOf: (at: string | number) => time().format(new Date(at)),
    dayNameOf(at: string | number) {
      const today = new Date()
      const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1)
      const date = new Date(at).toDateString()
      if (date === today.toDateString()) return words()['message.today']
      if (date === yesterday.toDateString()) return words()['message.yesterday']
      return day().format(new Date(at))
    },
    /** Returns the text of a message. An app's message has a text in each language. */
    textOf({ text, card }: Pick<Message, 'text' | 'card'>, nameOf: (user: UserId) => string) {
      return card ? fill(card.texts[code()], argsOf(card, nameOf)) : text
    },
    listOf: (names: readonly string[]) => list().format(names),
  }
}

export const LanguageContext = createContext<Language>()

export function useLanguage(): Language {
  const language = useContext(LanguageContext)
  if (!language) throw new Error('useLanguage needs a LanguageContext provider')
  return language
}
