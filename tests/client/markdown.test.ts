import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { markdownExamples } from '../support/markdown-corpus.ts'
import { createMessageTextPage, type MessageTextPage } from '../support/message-text-page.ts'

/**
 * Markdown that messages render differently from the CommonMark and GFM specifications, on purpose.
 */
const deviations: [reason: string, pattern: RegExp][] = [
  ['HTML is text', /<[a-z/!?]/i],
  ['character references are text', /&#?\w+;/],
  ['there are no link definitions', /\]:/],
  ['there are no headings underlined with dashes or equals signs', /^ {0,3}(?:=+|-+) *$/m],
  ['a quote ends after its last line that starts with >', /^ *>.*\n(?! *>)[^\n]/m],
  ['a quote in a quote ends with its last line', /^(?:>>> foo|> 1\. > Blockquote)\n/],
  ['a block without content is text', /^ *(?:>|>? *```+;?|#+ *#*)\s*$/m],
  ['links and images need an absolute address', /\]\((?!(?:https?|mailto):)/],
  ['links need a label', /^\[\]\(/],
  ['a label has brackets on one level only', /^!?\[[^\]]*\[[^\]]*\[/],
  ['markup in the description of an image is text', /!\[foo !?\[/],
  ['a row keeps all of its cells', /\| boo \|/],
  ['addresses are links everywhere', /^(?:< |foo@bar|https?:)|\]\(\S* |\] bar\]|^\[foo \[|xmpp:/],
]

const knownDeviations = 464

const contents = [
  '1986. A great year.',
  '99. a\n100. b\n1000. c',
  '999999999) a',
  '7. a\n3. b',
  '007. a',
  '1. [x] a\n2. [ ] b',
  '- - - a\n      - b',
  '1. - 2. a',
  '3. ```\n   a\n   ```\n4. > a\n5. # a',
  '# a\n## b\n### c\n#### d\n##### e\n###### f',
  '|a|**b**|\n|-|-|\n|c|d|e|f|',
  '||\n|-|\n||',
  '*a *b* c* **a** ~~b~~ `c  d` https://a.example',
  '---',
  '> > > a',
  'سلام\n\n1986. سنة عظيمة\n\n- [x] تم\n\n> اقتباس',
  Array.from({ length: 9 }, (_, depth) => `${'  '.repeat(depth)}- a ${depth}`).join('\n'),
  `${'> 1. '.repeat(5)}nested`,
  `${'1986. '.repeat(9)}nested`,
]

const texts = [...new Set([...markdownExamples.map(({ markdown }) => markdown), ...contents])]

let shown: MessageTextPage

beforeAll(async () => {
  shown = await createMessageTextPage()
})
afterAll(() => shown[Symbol.asyncDispose]())

describe('the examples of the CommonMark and GFM specifications', () => {
  it('are rendered with the structure that the specification prescribes', async () => {
    await shown.show(markdownExamples.map(({ markdown }) => markdown))

    const rendered = await shown.measure('outlineOfMessage')
    const prescribed = await shown.outlinesOf(markdownExamples.map(({ html }) => html))

    const deviating = markdownExamples
      .map((example, index) => ({
        ...example,
        rendered: rendered[index],
        prescribed: prescribed[index],
      }))
      .filter((example) => example.rendered !== example.prescribed)
    expect(deviating.filter(({ markdown }) => !isDeviation(markdown))).toEqual([])
    expect(deviating.length).toBeLessThanOrEqual(knownDeviations)
  })

  it('lose no word, number or symbol when they are rendered', async () => {
    await shown.show(texts)

    const rendered = await shown.measure('shownText')

    expect(texts.filter((text, index) => !hasAll(rendered[index] ?? '', text))).toEqual([])
  })
})

describe.each([
  { theme: 'light', direction: 'ltr', width: 800 },
  { theme: 'dark', direction: 'ltr', width: 320 },
  { theme: 'light', direction: 'rtl', width: 320 },
  { theme: 'dark', direction: 'rtl', width: 800 },
])('messages in the $theme theme, $direction, $width px wide', (look) => {
  beforeAll(() => shown.setLook(look))

  it('make every Markdown structure visible, and show text with a contrast of at least 4.5', async () => {
    await shown.show(texts)

    expect((await shown.measure('findInvisible')).flat()).toEqual([])
  })

  it('let the reader scroll to all text', async () => {
    await shown.show(texts)

    expect((await shown.measure('findUnreachable')).flat()).toEqual([])
  })

  it('are not clipped', { timeout: 120_000 }, async () => {
    const clipped: string[] = []
    for (let start = 0; start < texts.length; start += 100) {
      await shown.show(texts.slice(start, start + 100))
      clipped.push(...(await shown.findClipped()))
    }

    expect(clipped).toEqual([])
  })
})

describe('headings', () => {
  it('look different at each of the six levels, and never become larger from level 1 to 6', async () => {
    await shown.show(['# a\n## b\n### c\n#### d\n##### e\n###### f'])

    const [looks = []] = await shown.measure('looksOfHeadings')
    expect(new Set(looks).size).toBe(6)
    const sizes = looks.map((look) => Number.parseFloat(look))
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  })
})

describe('the numbers of a list', () => {
  it.each([
    ['1986. a', '1986.'],
    ['12) a', '12)'],
    ['007. a', '007.'],
    ['2. a\n5. b', '2. 5.'],
    ['3. a\n2. b\n1. c', '3. 2. 1.'],
    ['1. a\n1. b\n1. c', '1. 2. 3.'],
    ['8) a\n8) b', '8) 9)'],
  ])('of %j are shown as %s', async (text, numbers) => {
    await shown.show([text])

    const [rendered] = await shown.measure('shownText')
    expect(rendered?.match(/\d+[.)]/g)?.join(' ')).toBe(numbers)
  })
})

function isDeviation(markdown: string): boolean {
  return deviations.some(([, pattern]) => pattern.test(markdown))
}

/** Returns whether the text has all words, numbers and symbols of the source, except markup. */
function hasAll(shownText: string, source: string): boolean {
  const markup = String.raw`\s*_~${'`'}#>\-+=\\|[\]()<>!:"'`
  const pattern = new RegExp(String.raw`[\p{L}\p{N}\p{M}]+|[^${markup}\p{L}\p{N}\p{M}]`, 'gu')
  let end = 0
  return (source.match(pattern) ?? []).every((word) => {
    const index = shownText.indexOf(word, end)
    end = index + word.length
    return index >= 0
  })
}
