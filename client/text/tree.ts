import type { UserId } from '#schema/ids'

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  /** Shown in bold, not larger, because a message is not a document. */
  | { kind: 'heading'; children: Inline[] }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'list'; start?: number; items: ListItem[] }
  | { kind: 'code'; language?: string; text: string }
  | { kind: 'table'; aligns: Align[]; header: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

export interface ListItem {
  /** Undefined for a list item that is not a task. */
  isDone?: boolean
  children: Block[]
}

export type Align = 'start' | 'center' | 'end'

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'emphasis' | 'strong' | 'deleted'; children: Inline[] }
  | { kind: 'code'; text: string }
  /** `host` is set if the text of the link suggests another host. */
  | { kind: 'link'; href: string; host?: string; children: Inline[] }
  | { kind: 'image'; href: string; host: string; description: string }
  | { kind: 'mention'; user: UserId }
