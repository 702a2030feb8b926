import type { App } from '#app'
import type whiteboard from '../index.ts'
import type { words } from '../words/index.ts'

export type WhiteboardApp = App<typeof whiteboard, typeof words.en>
