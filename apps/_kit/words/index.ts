import * as ar from './ar.ts'
import * as de from './de.ts'
import * as en from './en.ts'
import * as zh from './zh.ts'

export const common = { en: en.common, de: de.common, zh: zh.common, ar: ar.common }
export const fields = { en: en.fields, de: de.fields, zh: zh.fields, ar: ar.fields }
export const results = { en: en.results, de: de.results, zh: zh.results, ar: ar.results }
