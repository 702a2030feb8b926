import { fill, useLanguage } from '../i18n/createLanguage.ts'
import { ar } from './words/ar.ts'
import { de } from './words/de.ts'
import { type ConsoleWords, en } from './words/en.ts'
import { zh } from './words/zh.ts'

export const consoleWords: Record<string, ConsoleWords> = { en, de, zh, ar }

export function useConsoleWords() {
  const { code, locale } = useLanguage()
  const format = (value: number, options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(locale(), options).format(value)
  const short = (value: number) => ({
    maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2,
  })
  const unit = (value: number, unit: string) =>
    format(value, { style: 'unit', unit, unitDisplay: 'short', ...short(value) })
  return {
    w: (key: keyof ConsoleWords, args: Record<string, string | number> = {}) =>
      fill((consoleWords[code()] ?? en)[key], args),
    number: (value: number) =>
      format(value, value >= 10_000 ? { notation: 'compact' } : short(value)),
    count: (value: number) => format(value, { maximumFractionDigits: 0 }),
    duration: (ms: number) => (ms >= 1_000 ? unit(ms / 1_000, 'second') : unit(ms, 'millisecond')),
    dateTime: (at: string | number) =>
      new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'medium' }).format(
        new Date(at),
      ),
    clock: (at: string | number) =>
      new Intl.DateTimeFormat(locale(), {
        hour: 'numeric',
        minute: '2-digit',
        second: '2-digit',
        fractionalSecondDigits: 3,
      }).format(new Date(at)),
  }
}
