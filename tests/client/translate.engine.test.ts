import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newClientId } from '../support/app.ts'
import {
  createRoom,
  expectNoProblems,
  message,
  runAction,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { say, startFakeOllama, writePiece } from '../support/ollama.ts'
import type { TestUser } from '../support/test-user.ts'

const ollama = await startFakeOllama()
// The stack starts without the engine; the first test starts it.
await ollama.kill()
const fixture = useClientFixture({
  env: {
    OLLAMA_URL: ollama.url,
    OLLAMA_MODEL: 'test-model',
    APERTIUM_MODES: '/nonexistent',
  },
})
afterAll(() => ollama[Symbol.asyncDispose]())

let visitor: Visitor
let page: Page
let bob: TestUser
let room: string

beforeAll(async () => {
  visitor = await fixture.open('alice')
  page = visitor.page
  bob = await fixture.connect('bob')
  room = await createRoom(page, 'public')
  await bob.client.call('room.join', { room } as never)
}, 60_000)

const send = (text: string) =>
  bob.client.call('send', { room, clientId: newClientId(), text } as never)
const translationOf = (text: string) => message(page, text).locator('.translation')

describe('translations of a language model', () => {
  it('are unavailable at the start, which prints the reason and the command that helps', async () => {
    const line = await fixture.stack.log.line(/translation unavailable/, { within: 10_000 })

    expect(line).toContain('does not answer')
    expect(line).toContain('; try: ollama serve')
    await ollama.restart()
    const isAvailable = async () => (await bob.client.call('translate.ping', {})).available
    await expect.poll(isAvailable, { timeout: 60_000 }).toBe(true)
  }, 70_000)

  it('appear in pieces', async () => {
    const gate = Promise.withResolvers<void>()
    ollama.answer(async (response, prompt) => {
      writePiece(response, 'Wir sehen ')
      await gate.promise
      await say('uns morgen.')(response, prompt)
    })
    await send('We will meet tomorrow.')

    await runAction(page, 'We will meet', 'Translate')

    const translation = translationOf('We will meet')
    await translation.getByText('Wir sehen').waitFor()
    await translation.getByText('Translating…').waitFor()
    gate.resolve()
    await translation.getByText('Wir sehen uns morgen.').waitFor()
    await translation.getByText('Translated by Ollama').waitFor()
  })

  it('have no links, images and mentions that the message lacks', async () => {
    ollama.answer(
      say(
        'Hallo ⟦0⟧ und @alice, siehe ⟦1⟧, [hier](https://evil.example/), https://evil.example/2 ',
        '![Bild](https://evil.example/x.png) <img src=x onerror=alert(1)>',
      ),
    )
    await send('Hello @bob, please see https://good.example/ for more.')

    await runAction(page, 'please see', 'Translate')

    const translation = translationOf('please see')
    await translation.getByText('Translated by Ollama').waitFor()
    const links = await translation
      .getByRole('link')
      .evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href))
    expect(links).toEqual(['https://good.example/'])
    expect(await translation.locator('.mention').allTextContents()).toEqual(['@Bob Brown'])
    expect(await translation.locator('img, .image, figure').count()).toBe(0)
    await translation.getByText('<img src=x').waitFor()
  })

  it('are discarded if they do not match the message', async () => {
    ollama.answer(say('Frag jemanden.'))
    await send('Ask @bob about it.')

    await runAction(page, 'Ask @', 'Translate')

    await translationOf('about it').getByText('discarded').waitFor()
    expect(await translationOf('about it').getByText('Frag').count()).toBe(0)
  })

  it('are unavailable with the reason, and appear without a reload when the engine returns', async () => {
    // The page asks each minute; for this test, each second.
    await page.evaluate(() => {
      const { setInterval } = window
      Object.assign(window, {
        setInterval: (work: () => void, ms: number) =>
          setInterval(work, ms === 60_000 ? 1_000 : ms),
      })
    })
    await ollama.kill()
    await send('The engine is dead.')
    await runAction(page, 'The engine is dead', 'Translate')
    const translation = translationOf('The engine is dead')
    await translation.getByText('isn’t available right now').waitFor()
    await translation.getByText('does not answer').waitFor()

    await ollama.restart()
    ollama.answer(say('Die Maschine lebt.'))

    await translation.getByText('Die Maschine lebt.').waitFor({ timeout: 60_000 })
    await expectNoProblems(visitor)
  }, 90_000)
})
