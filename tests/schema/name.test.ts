import { describe, expect, it } from 'vitest'
import { readName, repairName } from '#schema/text/name'

const [zwnj, zwj] = ['\u200c', '\u200d']
const scotland = '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'

describe('readName', () => {
  it.each([
    ['Persian with a non-joiner', `علی${zwnj}رضا`],
    ['Hindi with a joiner', `क्${zwj}ष`],
    ['Bengali with a joiner before the virama', `র${zwj}্য`],
    ['Sinhala with a joiner', `ශ්${zwj}රී`],
    ['a family emoji', `👨${zwj}👩${zwj}👧${zwj}👦`],
    ['an emoji with a skin tone', `🧑🏽${zwj}💻 Ada`],
    ['a keycap', '1\ufe0f\u20e3'],
    ['an emoji with a variation selector', '❤\ufe0f'],
    ['a flag of tag characters', scotland],
    ['a variant of a Han character', '邉\u{e0100} 太郎'],
    ['Korean', '김민준'],
    ['Thai', 'สมชาย ใจดี'],
    ['Hebrew with points', 'עִבְרִית'],
    ['apostrophe and dash', 'Seán O’Néill-Smith'],
    ['symbols only', '¯\\_(ツ)_/¯'],
  ])('accepts %s', (_kind, name) => {
    expect(readName(name)).toEqual({ name: name.normalize('NFC') })
  })

  it.each([
    ['decomposed letters', 'Zoe\u0308', 'Zoë'],
    ['spaces around', '\u3000 Ada\t\n', 'Ada'],
    ['several and other spaces', 'Ada \u00a0 King\u2003Lovelace', 'Ada King Lovelace'],
    ['the braille blank', '\u2800Ada\u2800', 'Ada'],
  ])('normalizes %s', (_kind, text, name) => {
    expect(readName(text)).toEqual({ name })
  })

  it.each([
    ['', 'empty', undefined],
    [' \u00a0 ', 'empty', undefined],
    ['\u2800', 'empty', undefined],
    ['\u0301', 'empty', undefined],
    ['a\nb', 'control', 'U+000A'],
    ['a\0b', 'control', 'U+0000'],
    ['a\u2028b', 'control', 'U+2028'],
    ['a\u2029b', 'control', 'U+2029'],
    ['a\u202eb', 'direction', 'U+202E'],
    ['\u2066a\u2069', 'direction', 'U+2066'],
    ['\u200b', 'invisible', 'U+200B'],
    ['\u3164', 'invisible', 'U+3164'],
    ['a\u00adb', 'invisible', 'U+00AD'],
    [`a${zwnj}b`, 'invisible', 'U+200C'],
    [`ab${zwj}`, 'invisible', 'U+200D'],
    [`ر${zwnj}`, 'invisible', 'U+200C'],
    [`ر${zwj}${zwj}ر`, 'invisible', 'U+200D'],
    ['a\u{e0041}b', 'invisible', 'U+E0041'],
    ['Ada\ufe0f', 'invisible', 'U+FE0F'],
    ['\ud800', 'invisible', 'U+D800'],
    ['\ue000', 'invisible', 'U+E000'],
    [`Z${'\u0301'.repeat(7)}`, 'marks', undefined],
    ['x'.repeat(81), 'tooLong', undefined],
    ['x'.repeat(1_000_000), 'tooLong', undefined],
  ])('rejects %j as %s', (text, problem, character) => {
    expect(readName(text)).toEqual({ problem, ...(character === undefined ? {} : { character }) })
  })
})

describe('repairName', () => {
  it.each([
    ['a valid name', `علی${zwnj}رضا`, `علی${zwnj}رضا`],
    ['line separators', 'Ada\u2028King\nLovelace', 'Ada King Lovelace'],
    ['overrides and invisible characters', '\u202eA\u200bda\u00ad', 'Ada'],
    ['stacked marks', `Z${'\u0301'.repeat(20)}oe`, `Z${'\u0301'.repeat(5)}oe`.normalize('NFC')],
    ['a long name', 'x'.repeat(81), 'x'.repeat(80)],
    [
      'a long name that ends within an emoji',
      `${'x'.repeat(78)}👨${zwj}👩${zwj}👧`,
      'x'.repeat(78),
    ],
    ['nothing visible', '\u200b\u3164', undefined],
  ])('returns the nearest valid name for %s', (_kind, text, name) => {
    expect(repairName(text)).toBe(name)
  })
})
