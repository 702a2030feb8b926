import { flatten } from '@solid-primitives/i18n'
import { createContext, createEffect, createMemo, createSignal, useContext } from 'solid-js'
import { en, type Plural, type Words } from './en.ts'

/** Each in its own words; loaded when somebody wants it. */
export const languages = {
  en: { name: 'English', load: async (): Promise<Words> => en },
  de: { name: 'Deutsch', load: async (): Promise<Words> => (await import('./de.ts')).de },
  zh: { name: '中文', load: async (): Promise<Words> => (await import('./zh.ts')).zh },
  ar: { name: 'العربية', load: async (): Promise<Words> => (await import('./ar.ts')).ar },
}
export type LanguageCode = keyof typeof languages

const rightToLeft: ReadonlySet<string> = new Set(['ar'])

/** The keys of all texts of that kind: `rooms.members`. */
type KeyOf<Kind> = {
  [Part in keyof Words]: {
    [Key in keyof Words[Part]]: Words[Part][Key] extends Kind ? `${Part}.${Key & string}` : never
  }[keyof Words[Part]]
}[keyof Words]

type Args = Record<string, string | number>

/** In one go, as it may be anything that somebody has written: `$&`, or `{{ name }}`. */
export function fill(text: string, args: Args): string {
  return text.replace(/\{\{ (\w+) \}\}/g, (placeholder, name) => String(args[name] ?? placeholder))
}

export type Language = ReturnType<typeof createLanguage>

/** The words and the forms of the language that somebody chose, else of their browser's. */
export function createLanguage(chosen: () => string) {
  const code = (): LanguageCode => {
    const wanted = [chosen(), ...navigator.languages].map((tag) => tag.split('-')[0] ?? '')
    return wanted.find((tag): tag is LanguageCode => Object.hasOwn(languages, tag)) ?? 'en'
  }
  const [words, setWords] = createSignal(flatten(en))
  createEffect(() => {
    const wanted = code()
    void languages[wanted].load().then((loaded) => {
      if (code() !== wanted) return
      setWords(() => flatten(loaded))
      document.documentElement.lang = wanted
      document.documentElement.dir = rightToLeft.has(wanted) ? 'rtl' : 'ltr'
    })
  })
  /** As somebody's own part of the world writes times and numbers, where its language is the chosen one. */
  const locale = (): string =>
    navigator.languages.find((tag) => tag.split('-')[0] === code()) ?? code()
  const rules = createMemo(() => new Intl.PluralRules(code()))
  // Each takes longer to make than to use, and every message has a time.
  const time = createMemo(() => new Intl.DateTimeFormat(locale(), { timeStyle: 'short' }))
  const day = createMemo(() => new Intl.DateTimeFormat(locale(), { dateStyle: 'full' }))
  const list = createMemo(() => new Intl.ListFormat(locale(), { type: 'conjunction' }))
  return {
    code,
    locale,
    t: (key: KeyOf<string>, args: Args = {}) => fill(words()[key], args),
    /** The form that fits so many. */
    tn: (key: KeyOf<Plural>, count: number, args: Args = {}) => {
      const forms: Plural = words()[key]
      return fill(forms[rules().select(count)] ?? forms.other, { ...args, count })
    },
    /** The day and the time: seldom wanted, and so made when it is. */
    momentOf: (at: string | number) =>
      new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'short' }).format(
        new Date(at),
      ),
    timeOf: (at: string | number) => time().format(new Date(at)),
    /** Today and yesterday by their names. */
    dayNameOf(at: string | number) {
      const today = new Date()
      const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1)
      const date = new Date(at).toDateString()
      if (date === today.toDateString()) return words()['message.today']
      if (date === yesterday.toDateString()) return words()['message.yesterday']
      return day().format(new Date(at))
    },
    listOf: (names: readonly string[]) => list().format(names),
  }
}

export const LanguageContext = createContext<Language>()

export function useLanguage(): Language {
  const language = useContext(LanguageContext)
  if (!language) throw new Error('There is no language around this')
  return language
}
