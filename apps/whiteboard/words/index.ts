import { ar } from './ar.ts'
import { de } from './de.ts'
import { en } from './en.ts'
import { zh } from './zh.ts'

export const words = { en, de, zh, ar }
