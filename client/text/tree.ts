import type { UserId } from '#schema/ids'

/** A block of a parsed message. Markdown of other kinds is kept as text. */
export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  /** A heading is shown in bold, not larger: a message is not a document. */
  | { kind: 'heading'; children: Inline[] }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'list'; start?: number; items: ListItem[] }
  | { kind: 'code'; language?: string; text: string }
  | { kind: 'table'; aligns: Align[]; header: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

export interface ListItem {
  /** Whether a task is done; undefined for list items that are not tasks. */
  isDone?: boolean
  children: Block[]
}

/** Alignment relative to the direction of the text. */
export type Align = 'start' | 'center' | 'end'

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'emphasis' | 'strong' | 'deleted'; children: Inline[] }
  | { kind: 'code'; text: string }
  /** `host` is set if the link must show it, because the text of the link suggests another host. */
  | { kind: 'link'; href: string; host?: string; children: Inline[] }
  | { kind: 'image'; href: string; host: string; description: string }
  | { kind: 'mention'; user: UserId }
