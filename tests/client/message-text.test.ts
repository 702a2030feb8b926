import { join } from 'node:path'
import { createServer, type ViteDevServer } from 'vite'
import solid from 'vite-plugin-solid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attacks } from '../support/text-attacks.ts'

const client = join(import.meta.dirname, '..', '..', 'client')

describe('MessageText', () => {
  let vite: ViteDevServer
  let render: (text: string, more?: object) => string

  beforeAll(async () => {
    vite = await createServer({
      configFile: false,
      root: client,
      logLevel: 'error',
      appType: 'custom',
      server: { middlewareMode: true, watch: null, ws: false },
      optimizeDeps: { noDiscovery: true },
      plugins: [solid({ ssr: true })],
    })
    const { MessageText } = await vite.ssrLoadModule('/text/MessageText.tsx')
    const { createComponent, renderToString } = await vite.ssrLoadModule('solid-js/web')
    const given = { me: 'ada', mentions: ['bob'], names: (user: string) => user.toUpperCase() }
    render = (text, more) =>
      renderToString(() => createComponent(MessageText, { text, ...given, ...more }))
  })

  afterAll(() => vite.close())

  it('is tested with the helper elementsOf, which finds elements even in malformed HTML', () => {
    expect(elementsOf('<a b="c>"><svg/onload="x">')).toEqual([
      ['a', ['b']],
      ['svg', ['onload']],
    ])
  })

  it.each(attacks)('renders only known elements and attributes: %j', (text) => {
    const elements = elementsOf(render(text, { onMention: () => {} }))

    expect(elements.filter(([name]) => !knownElements.has(name))).toEqual([])
    expect(
      elements.flatMap(([, names]) => names).filter((name) => !knownAttributes.has(name)),
    ).toEqual([])
  })

  it('opens links in a new tab, without a referrer', () => {
    expect(render('[bank.example](https://evil.example)')).toMatch(
      /<a [^>]*href="https:\/\/evil\.example\/" target="_blank" rel="noopener noreferrer nofollow"><bdi>bank\.example<\/bdi><\/a>.*\(.*evil\.example.*\)/,
    )
  })

  it('marks only mentions that the server has recognised, and highlights those of the reader', () => {
    const html = render('@ada @bob @cy', { mentions: ['ada', 'bob'] })

    expect(html).toMatch(/class="mention mention-me" data-tip="@ada">@<bdi[^>]*>ADA</)
    expect(html).toMatch(/class="mention " data-tip="@bob">@<bdi[^>]*>BOB</)
    expect(html).toMatch(/>@cy<\/p>/)
  })

  it('loads no image by itself, and shows a button to load it if its URL is https', () => {
    expect(render('![cat](https://a.example/c.png)')).toContain('Image: a.example')
    expect(render('![cat](https://a.example/c.png)')).toContain('Load image')
    expect(render('![cat](https://a.example/c.png)')).not.toContain('<img')
    expect(render('![cat](http://a.example/c.png)')).toContain('Image: a.example')
    expect(render('![cat](http://a.example/c.png)')).not.toContain('Load image')
  })

  it('labels code with its language, and shows a copy button', () => {
    expect(render('```ts\n<b>\n```')).toMatch(/aria-label="Code, ts".*<button.*Copy.*<code>&lt;b>/s)
  })
})

const knownElements = new Set(
  'a bdi blockquote br button code del div em figcaption figure h3 h4 h5 h6 hr input li ol p pre span strong table tbody td th thead tr ul'.split(
    ' ',
  ),
)
const knownAttributes = new Set(
  'aria-label aria-live checked class data-hk data-tip dir disabled href rel scope style tabindex target type'.split(
    ' ',
  ),
)

function elementsOf(html: string): [name: string, attributes: string[]][] {
  return [...html.matchAll(/<([a-z][^\s/>]*)((?:"[^"]*"|[^">])*)>/gi)].map(
    ([, name = '', rest = '']) => [
      name,
      [...rest.replace(/"[^"]*"/g, '').matchAll(/[^\s/=]+/g)].map(([attribute]) => attribute),
    ],
  )
}
