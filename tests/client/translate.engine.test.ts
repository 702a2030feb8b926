import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newClientId } from '../support/app.ts'
import {
  createRoom,
  expectNoProblems,
  goTo,
  message,
  runAction,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { say, startFakeOllama, writePiece } from '../support/ollama.ts'
import type { TestUser } from '../support/test-user.ts'

const ollama = await startFakeOllama()
await ollama.kill()
const fixture = useClientFixture({
  env: {
    OLLAMA_URL: ollama.url,
    OLLAMA_MODEL: 'test-model',
    RATE_LIMIT_FACTOR: '100',
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
  await bob.client.call('room.join', { room })
}, 60_000)

const send = (text: string) => bob.send(room, text)
const translationOf = (text: string) => message(page, text).locator('.translation')

describe('translations of a language model', () => {
  it('are logged as unavailable at the start of the runtime, with the reason and a command that helps', async () => {
    const line = await fixture.stack.log.line(/translation unavailable/, { within: 10_000 })

    expect(line).toContain('does not answer')
    expect(line).toContain('; try: ollama serve')
    await ollama.restart()
    // 20 calls are enough to reach both runtimes.
    const isAvailable = async () => {
      const pings = Array.from({ length: 20 }, () => bob.client.call('translate.ping', {}))
      return (await Promise.all(pings)).every(({ available }) => available)
    }
    await expect.poll(isAvailable, { timeout: 60_000, interval: 1_000 }).toBe(true)
  }, 70_000)

  it('appear piece by piece while the model writes', async () => {
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

  it('are cancelled when the user hides them, and can be requested again', async () => {
    const closed = Promise.withResolvers<void>()
    ollama.answer(async (response) => {
      response.on('close', closed.resolve)
      writePiece(response, 'Der Zug ')
      await closed.promise
    })
    await send('The train is late again.')
    await runAction(page, 'The train is late', 'Translate')
    const translation = translationOf('The train is late')
    await translation.getByText('Der Zug').waitFor()

    await translation.getByRole('button', { name: 'Hide translation' }).click()

    await closed.promise
    await translation.waitFor({ state: 'detached' })
    ollama.answer(say('Der Zug ist wieder zu spät.'))
    await message(page, 'The train is late').press('t')
    await translation.getByText('Der Zug ist wieder zu spät.').waitFor()
  })

  it('contain no links, images or mentions that the message does not contain', async () => {
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

  it('are requested automatically only for visible messages, and once for each of them', async () => {
    ollama.answer(say('translated'))
    const long = await createRoom(page, 'public')
    await bob.client.call('room.join', { room: long })
    await page.locator('.room-head').getByRole('button').last().click()
    await page.getByRole('menuitemcheckbox', { name: 'Translate messages automatically' }).click()
    await goTo(page, fixture.urls.web, room)
    for (let index = 0; index < 80; index++)
      await bob.client.call('send', {
        room: long,
        clientId: newClientId(),
        text: `Este es el mensaje número ${index} de la lista larga.`,
      })
    const before = ollama.prompts.length
    const prompts = () => ollama.prompts.slice(before)
    const has = (index: number) => prompts().some((prompt) => prompt.includes(`número ${index} `))

    await goTo(page, fixture.urls.web, long)
    const translations = page.getByRole('log').locator('.translation')
    await translations.first().waitFor()
    const list = page.getByRole('log')
    await expect.poll(() => has(0)).toBe(true)
    // In the list, Escape jumps to the latest message.
    await list.press('Escape')
    await expect.poll(() => has(79)).toBe(true)
    expect(has(40)).toBe(false)
    const count = prompts().length
    expect(new Set(prompts()).size).toBe(count)

    await expect
      .poll(async () => {
        await list.evaluate((element) => element.scrollTo(0, 0))
        return translationOf('número 0 ').getByText('Translated by Ollama').count()
      })
      .toBe(1)
    expect(prompts().filter((prompt) => prompt.includes('número 0 '))).toHaveLength(1)
    await goTo(page, fixture.urls.web, room)
  }, 60_000)

  it('are discarded if they lack a mention that the message contains', async () => {
    ollama.answer(say('Frag jemanden.'))
    await send('Ask @bob about it.')

    await runAction(page, 'Ask @', 'Translate')

    await translationOf('about it').getByText('discarded').waitFor()
    expect(await translationOf('about it').getByText('Frag').count()).toBe(0)
  })

  it('are replaced by a notice with the reason while the engine is unavailable, and appear without a reload afterwards', async () => {
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
