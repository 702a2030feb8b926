export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'list'; isOrdered: boolean; items: ListItem[] }
  /** `info` is the text after the opening fence. `language` is its first word, which may name a grammar. */
  | { kind: 'code'; info?: string; language?: string; text: string }
  | { kind: 'table'; aligns: Align[]; header: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

export interface ListItem {
  /** The number with its punctuation, such as `3.` or `12)`; only in ordered lists. */
  marker?: string
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
  /**
   * `host` is set if the link may deceive the reader (see `isMisleading`). It is then shown after
   * the link.
   */
  | { kind: 'link'; href: string; host?: string; title?: string; children: Inline[] }
  | { kind: 'image'; href: string; host: string; title?: string; description: string }
  /** Shown as a mention only if the server has resolved the name (see mention.ts). */
  | { kind: 'mention'; name: string }
