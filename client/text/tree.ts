import type { UserId } from '#schema/ids'

/** What a message looks like: all that can be in it, and nothing that is not shown as text. */
export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  /** No bigger than the rest: a message is no document. */
  | { kind: 'heading'; children: Inline[] }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'list'; start?: number; items: ListItem[] }
  | { kind: 'code'; language?: string; text: string }
  | { kind: 'table'; aligns: Align[]; header: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

export interface ListItem {
  /** Only of tasks. */
  isDone?: boolean
  children: Block[]
}

/** Along the direction of the text. */
export type Align = 'start' | 'center' | 'end'

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'emphasis' | 'strong' | 'deleted'; children: Inline[] }
  | { kind: 'code'; text: string }
  /** `host` is there if it must be shown: the text says, or may be taken to say, another one. */
  | { kind: 'link'; href: string; host?: string; children: Inline[] }
  | { kind: 'image'; href: string; host: string; description: string }
  | { kind: 'mention'; user: UserId }
