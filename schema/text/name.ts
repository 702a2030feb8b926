/** Maximum length of the normalized name, in UTF-16 code units. */
export const maxNameLength = 80

export type NameProblem = 'empty' | 'tooLong' | 'control' | 'direction' | 'invisible' | 'marks'

export interface UnusableName {
  problem: NameProblem
  /** The code point of the forbidden character, such as `U+202E`. */
  character?: string
}

export type NameReading = { name: string } | UnusableName

/**
 * Letters and marks of the scripts in which a zero-width joiner or non-joiner changes how letters
 * are shown, such as Arabic (used for Persian) and Devanagari (used for Hindi).
 */
const joining =
  String.raw`[[\p{L}\p{M}]&&[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Nkoo}\p{scx=Adlm}` +
  String.raw`\p{scx=Rohg}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}` +
  String.raw`\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]]`

const pictograph = String.raw`\p{ExtPict}[\uFE0E\uFE0F\p{EMod}]?`

/** Sequences in which invisible characters have a visible effect. */
const invisibleInContext = new RegExp(
  [
    // Emoji: flags of regions such as Scotland, keycaps, and emoji that are joined from several,
    // such as families.
    String.raw`\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{1,6}\u{E007F}`,
    String.raw`[0-9#*]\uFE0F\u20E3`,
    String.raw`${pictograph}(?:\u200D${pictograph})*`,
    String.raw`(?<=${joining})(?:\u200D|\u200C(?=${joining}))(?![\u200C\u200D])`,
    // Variation selectors, which choose between forms of a Han or Mongolian letter.
    String.raw`(?<=\p{sc=Han})[\uFE00-\uFE02\u{E0100}-\u{E01EF}]`,
    String.raw`(?<=\p{sc=Mong})[\u180B-\u180F]`,
  ].join('|'),
  'gv',
)

const forbidden = {
  control: /[\p{Cc}\p{Zl}\p{Zp}]/u,
  direction: /\p{Bidi_Control}/u,
  // Includes unassigned and private-use characters, which most fonts do not show.
  invisible: /[\p{DI}\p{Cs}\p{Co}\p{Cn}\uFFF9-\uFFFB]/u,
} as const
const anyForbidden = new RegExp(
  Object.values(forbidden)
    .map(({ source }) => source)
    .join('|'),
  'gu',
)

/** More than five marks on one letter would cover the lines above and below. */
const stackedMarks = /\p{Mn}{6,}/u
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u
/**
 * Includes the braille blank (U+2800), which Unicode classifies as a symbol, but which shows
 * nothing.
 */
const spaces = /[\p{Zs}\u2800]+/gu

/**
 * Decides whether a text can be the name of a user, a room or anything else that users name. Returns
 * the name in Unicode NFC, with each run of spaces as one space, or the problem.
 */
export function readName(text: string): NameReading {
  if (text.length > 10 * maxNameLength) return { problem: 'tooLong' }
  const name = text.trim().normalize('NFC').replaceAll(spaces, ' ').trim()
  const suspect = name.replaceAll(invisibleInContext, '')
  for (const problem of ['control', 'direction', 'invisible'] as const) {
    const [character] = forbidden[problem].exec(suspect) ?? []
    if (character !== undefined) return { problem, character: codePointOf(character) }
  }
  if (!visible.test(name)) return { problem: 'empty' }
  if (stackedMarks.test(name.normalize('NFD'))) return { problem: 'marks' }
  if (name.length > maxNameLength) return { problem: 'tooLong' }
  return { name }
}

/**
 * Returns the nearest valid name for a text from the identity provider: without forbidden
 * characters, and cut after a whole character. The text is not rejected, because the user cannot
 * correct it in the chat. Returns undefined if nothing visible is left.
 */
export function repairName(text: string): string | undefined {
  const kept: string[] = []
  const input = text
    .slice(0, 10 * maxNameLength)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(spaces, ' ')
    .trim()
  let from = 0
  for (const { 0: sequence, index } of input.matchAll(invisibleInContext)) {
    kept.push(input.slice(from, index).replaceAll(anyForbidden, ''), sequence)
    from = index + sequence.length
  }
  kept.push(input.slice(from).replaceAll(anyForbidden, ''))
  const reading = readName(
    cut(
      kept
        .join('')
        .normalize('NFD')
        .replaceAll(/(\p{Mn}{5})\p{Mn}+/gu, '$1'),
    ),
  )
  return 'name' in reading ? reading.name : undefined
}

function codePointOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

function cut(text: string): string {
  let name = ''
  for (const { segment } of new Intl.Segmenter().segment(text.normalize('NFC'))) {
    if (name.length + segment.length > maxNameLength) break
    name += segment
  }
  return name
}
