import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { UserId } from '#schema/ids'
import { findMentionedNames } from '#schema/text/mentions'
import { highlight } from '../../client/text/highlight.ts'
import { parseMessage } from '../../client/text/parse.ts'
import { toPlainText } from '../../client/text/plain.ts'
import { attacks } from '../support/text-attacks.ts'
import { outlineOf } from '../support/text-sketch.ts'

const client = join(import.meta.dirname, '..', '..', 'client')

describe('parseMessage', () => {
  it.each([
    ['*a* __b__ ~~c~~', 'p[emphasis[a] strong[b] deleted[c]]'],
    ['**a _b_**', 'p[strong[a emphasis[b]]]'],
    ['a\nb', 'p[a↵b]'],
    ['`*a* <b>`', 'p[code[*a* <b>]]'],
    [
      'see https://a.example/x_y_z.',
      'p[see link(https://a.example/x_y_z)[https://a.example/x_y_z].]',
    ],
    ['www.a.example', 'p[link(http://www.a.example/)[www.a.example]]'],
    ['[a *b*](https://a.example/ "t")', 'p[link(https://a.example/)[a emphasis[b]]]'],
    ['a@b.example', 'p[link(mailto:a@b.example)[a@b.example]]'],
    ['![cat](https://a.example/c.png)', 'p[image(https://a.example/c.png a.example)[cat]]'],
    ['[![cat](https://a.example/c.png)](https://b.example)', 'p[link(https://b.example/)[cat]]'],
    ['[![cat](c.png)](https://b.example)', 'p[link(https://b.example/ b.example)[![cat](c.png)]]'],
    ['\\*a\\* \\`b', 'p[*a* `b]'],
    ['<b>a</b> &lt; &#60; &amp;', 'p[<b>a</b> &lt; &#60; &amp;]'],
    ['<div>\n*a*\n</div>', 'p[<div>↵emphasis[a]↵</div>]'],
    ['one_two_three 2*3*4', 'p[one_two_three 2emphasis[3]4]'],
    ['a\ud800b\0c\u202ed', 'p[a\ufffdb\ufffdcd]'],
    ['`a\u2066b`', 'p[code[a\ufffdb]]'],
    ['### a', 'h3[a]'],
    ['#\n>\n> >', 'p[#]quote[p[>]]'],
    ['```TypeScript title\na\n\n b\n```', 'code(TypeScript title)[a\n\n b]'],
    ['```"><script>\na\n```', 'code("><script>)[a]'],
    ['```\n```', 'p[```↵```]'],
    ['- a\n- b\n  1. c', 'list[p[a]|p[b]list[1.p[c]]]'],
    ['- [x] a\n- [ ] b', 'list[(true)p[a]|(false)p[b]]'],
    ['3. a\n3. b', 'list[3.p[a]|4.p[b]]'],
    ['07) a\n3) b', 'list[07)p[a]|3)p[b]]'],
    ['1. [ ] a', 'list[1.(false)p[a]]'],
    ['|a|b|\n|-|-|\n|1|2|`3`|\\|4||', 'table(start start)[a|b/1|2|code[3]||4]'],
    ['|a|b|\n|-|-:|\n|`1`|2|\n|3|', 'table(start end)[a|b/code[1]|2/3]'],
    ['> a\n> > b\nc', 'quote[p[a]quote[p[b]]]p[c]'],
    ['a\n---', 'p[a]rule'],
    ['[a]: b', 'p[[a]: b]'],
    [' \n ', ''],
  ])('parses %j as %j', (text, expected) => {
    expect(outlineOf(parseMessage(text))).toBe(expected)
  })

  it.each([
    'hi @bob, @bob_b and @al-i!',
    'ask @li@mail.example, **@al.b+c@mail.example** _@cy_x@mail.example_ (@dee@mail)',
    'a@bob.example @@bob é@bob (@bob) @Bob @bob@al @bob.',
    `@${'b'.repeat(64)} @${'c'.repeat(65)}`,
    '> **@bob**\n\n- ~~@al~~ \\@cy',
    '|@bob|\n|-|\n|@al|\n\n<b>@cy</b>',
    '_@bob_ ___@al___ *@Cy*: ~~_@dee_~~ **a@b** @eve',
    '1. @bob\n   - [ ] @al\n\n# @Cy\n\n> - _@dee_\n\n`@eve` @fay `\n```\n@gil\n',
  ])('finds the same mentions as the server in %j', (text) => {
    const mentioned = outlineOf(parseMessage(text)).match(/(?<=\{@)[^}]+/g)

    expect(findMentionedNames(text).length).toBeGreaterThan(0)
    expect(new Set(mentioned)).toEqual(new Set(findMentionedNames(text)))
  })

  it.each(['`@bob`', '```\n@bob\n```', '[@bob](https://a.example)'])(
    'finds no mention in %j',
    (text) => {
      expect(outlineOf(parseMessage(text))).toMatch(/\[@bob\]/)
    },
  )

  it.each([
    ['[https://bank.example](https://evil.example/)', 'evil.example'],
    ['[go to www.bank.example/evil.example](https://evil.example)', 'evil.example'],
    ['[bank.example](https://evil.example/bank.example)', 'evil.example'],
    ['[bank\u200b.example](https://evil.example)', 'evil.example'],
    ['[bank\uff0eexample](https://evil.example)', 'evil.example'],
    ['[bank\u3002example](https://evil.example)', 'evil.example'],
    ['[b\u0430nk.example](https://bank.example)', 'bank.example'],
    ['[a\u2067b](https://evil.example)', 'evil.example'],
    ['[bank.example@evil.example](https://evil.example)', 'evil.example'],
    ['https://bank.example@evil.example/', 'evil.example'],
    ['https://b\u0430nk.example', 'xn--bnk-6cd.example'],
    ['[bank.example](mailto:a@evil.example)', 'a@evil.example'],
    ['[here](https://evil.example "https://bank.example")', 'evil.example'],
  ])('for %j, shows the host %s beside the link', (text, host) => {
    expect(outlineOf(parseMessage(text))).toContain(` ${host})[`)
  })

  it.each([
    '[https://bank.example/a.html](https://bank.example/)',
    '[www.bank.example](https://bank.example/)',
    '[version 2.0](https://bank.example/)',
    'https://bank.example/index.html?to=other.example',
    '[a@b.example](mailto:a@b.example)',
  ])('for %j, shows no host beside the link', (text) => {
    expect(outlineOf(parseMessage(text))).toMatch(/^p\[link\([^ ]+\)\[/)
  })
})

describe('parseMessage with malicious text', () => {
  it.each(attacks)('creates only harmless links: %j', (text, hrefs = []) => {
    expect(hrefsOf(parseMessage(text))).toEqual(hrefs)
  })

  it('cannot be bypassed: no file in client/text writes HTML directly', () => {
    const sources = globSync('text/*.{ts,tsx}', { cwd: client }).map((file) =>
      readFileSync(join(client, file), 'utf8'),
    )

    expect(sources.length).toBeGreaterThan(5)
    expect(
      sources.filter((source) => /innerHTML|outerHTML|insertAdjacent|document\.write/.test(source)),
    ).toEqual([])
  })
})

describe('parseMessage with pathological text', () => {
  const length = 8_000

  it.each([
    ...[
      '[',
      '*',
      '>',
      '_',
      '`',
      '~',
      '!',
      '<',
      '|',
      '#',
      '-',
      '\\',
      ' ',
      '\n',
      '\t',
      '&#',
      '@',
      '(',
      '\u202e',
      '\u0301',
    ],
    ...[
      '> ',
      '- ',
      '* ',
      '1. ',
      '![',
      '[]',
      '](',
      '[a](',
      '](<',
      '*a_',
      'a_',
      'a*',
      '**a',
      '_a ',
      '~a~~',
      '`a``',
      '\\`',
    ],
    ...[
      'a|',
      '|a\n|-\n',
      ':-\n',
      '<a ',
      '<!--',
      'http://',
      'www.',
      'a@',
      'a.',
      'mailto:',
      'a\n',
      '\n\na',
      '  \n',
      '[a]: b\n',
    ],
  ])(
    'ends within a bounded time and returns a bounded result for repetitions of %j',
    { timeout: 5_000 },
    (unit) => {
      const text = unit.repeat(length)

      const blocks = parseMessage(text.slice(0, length))

      expect(JSON.stringify(blocks).length).toBeLessThan(length * 60)
      expect(toPlainText(text, length).length).toBeLessThanOrEqual(length)
    },
  )

  it.each(['[', '~', '!', '|', '\\a', '(', '@', 'a_', '<a ', '[a]: b '])(
    'keeps every character of repetitions of %j',
    (unit) => {
      const text = unit.repeat(length / unit.length).trim()

      expect(toPlainText(text, length)).toBe(text)
    },
  )

  it.each([
    ['quotes', '> '.repeat(200)],
    ['lists', Array.from({ length: 60 }, (_, depth) => `${' '.repeat(2 * depth)}- a\n`).join('')],
    ['emphasis', `${'**a _b '.repeat(30)}c${'_**'.repeat(30)}`],
  ])('limits the nesting depth of %s', (_name, text) => {
    const depth = depthOf(parseMessage(`${text}a`))

    expect(depth).toBeGreaterThan(10)
    expect(depth).toBeLessThan(45)
  })

  it('adds no empty cells to short rows of a table', () => {
    const wide = `${'|a'.repeat(60)}|\n${'|-'.repeat(60)}|\n${'b\n'.repeat(2_000)}`

    const [table, ...rest] = parseMessage(wide)

    expect(table).toMatchObject({ kind: 'table', rows: Array(31).fill([expect.anything()]) })
    expect(rest).toHaveLength(1)
  })
})

describe('toPlainText', () => {
  const names = {
    mentions: ['bob', 'all', 'jane-1', 'li-1'] as UserId[],
    nameOf: (user: UserId) => user.toUpperCase(),
    handleOf: (user: UserId) =>
      new Map([
        ['jane-1', 'Jane.Doe'],
        ['li-1', 'li+1@mail.example'],
      ]).get(user) ?? user,
  }

  it.each([
    ['# a\n\n- *b*\n- `c`\n\n> d', 'a b, c d'],
    ['1986. a\n\n- [x] b\n- [ ] c', '1986. a ☑ b, ☐ c'],
    ['|a|b|\n|-|-|\n|1|2|', 'a, b; 1, 2'],
    ['[a](https://a.example) ![cat](https://b.example) ![](https://b.example)', 'a cat b.example'],
    ['@bob\n```\nlet a\n```', '@BOB let a'],
    ['@Bob- @all @cy', '@BOB- @all @cy'],
    ['@jane.doe. @bob.example', '@JANE-1. @BOB.example'],
    ['(@li+1@mail.example) @bob@mail.example.', '(@LI-1) @BOB@mail.example.'],
    ['@@li+1@mail.example li+1@mail.example', '@@li+1@mail.example li+1@mail.example'],
  ])('converts %j to %j', (text, expected) => {
    expect(toPlainText(text, 100, names)).toBe(expected)
  })

  it('cuts a long text only between grapheme clusters', () => {
    expect(toPlainText('abcdef', 6)).toBe('abcdef')
    expect(toPlainText('abcdefg', 6)).toBe('abcde…')
    expect(toPlainText('ab \u{1f468}\u200d\u{1f469}\u200d\u{1f467}c', 8)).toBe('ab…')
  })
})

describe('highlight', () => {
  it('returns the highlighted parts of code', async () => {
    expect(await highlight('let a = "<b>"', 'ts')).toEqual([
      { className: 'hljs-keyword', parts: ['let'] },
      ' a = ',
      { className: 'hljs-string', parts: ['"<b>"'] },
    ])
  })

  it('returns undefined for an unknown language, and for code of more than 3,000 characters', async () => {
    expect(await highlight('a', 'klingon')).toBeUndefined()
    expect(await highlight('a'.repeat(3_001), 'ts')).toBeUndefined()
  })
})

function hrefsOf(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return []
  const own = 'href' in tree ? [String(tree.href)] : []
  return [...own, ...Object.values(tree).flatMap(hrefsOf)]
}

function depthOf(tree: unknown): number {
  if (typeof tree !== 'object' || tree === null) return 0
  return 1 + Object.values(tree).reduce<number>((max, part) => Math.max(max, depthOf(part)), 0)
}
