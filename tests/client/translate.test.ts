import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { toNotifyId } from '#schema/ids'
import { findApertium } from '../../stack/install/apertium.ts'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  goTo,
  message,
  runAction,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

const fixture = useClientFixture({ env: { APERTIUM_MODES: await findApertium(), OLLAMA_URL: '' } })

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

async function chooseTarget(name: string) {
  await page.locator('.me').click()
  await page.getByRole('menuitem', { name: 'Settings' }).click()
  await page.getByLabel('Translate messages into').selectOption({ label: name })
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).first().click()
}

describe('translations with Apertium', () => {
  it('translate a message below its text, and name the engine', async () => {
    await send('El jardín es grande y la casa es pequeña.')

    await runAction(page, 'El jardín es grande', 'Translate')

    const translation = translationOf('El jardín es grande')
    await translation.getByText('The garden is big and the house is small.').waitFor()
    await translation.getByText('Rough translation by Apertium').waitFor()
    expect(await translation.locator('[lang]').first().getAttribute('lang')).toBe('en')
    await expectAccessible(page)
    await expectNoProblems(visitor)
  })

  it('are announced to screen readers once, when they are complete', async () => {
    const lines: string[] = []
    await page.exposeFunction('onAnnounced', (line: string) => lines.push(line))
    await page.evaluate(() => {
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes)
          for (const node of addedNodes)
            if (node.textContent?.startsWith('Translation:'))
              (window as never as { onAnnounced(line: string): void }).onAnnounced(node.textContent)
      }).observe(document.body, { childList: true, subtree: true })
    })
    await send('La puerta es roja. La mesa es blanca.')

    await runAction(page, 'La puerta es roja', 'Translate')

    await expect.poll(() => lines).toEqual(['Translation: The door is red. The table is white.'])
  })

  it('can be hidden and shown with the T key and with buttons', async () => {
    const translation = translationOf('El jardín es grande')
    await translation.getByRole('button', { name: 'Hide translation' }).click()
    await translation.waitFor({ state: 'detached' })

    await message(page, 'El jardín es grande').press('t')
    await translation.getByText('The garden is big').waitFor()
    await message(page, 'El jardín es grande').press('t')
    await translation.waitFor({ state: 'detached' })
    await runAction(page, 'El jardín es grande', 'Translate')
    await translation.getByText('The garden is big').waitFor()
  })

  it('are still shown after the user has opened another room and returned', async () => {
    await createRoom(page, 'public')
    await goTo(page, fixture.urls.web, room)

    await translationOf('El jardín es grande').getByText('The garden is big').waitFor()
  })

  it('disappear when the message is edited, and the new text can be translated', async () => {
    const sent = await send('La ventana es vieja.')
    await runAction(page, 'La ventana es vieja', 'Translate')
    await translationOf('La ventana es vieja').getByText('The window is old.').waitFor()

    const notifyId = toNotifyId(sent)
    await bob.client.call('msg.edit', { notifyId, text: 'La ventana es nueva.' })

    await message(page, 'La ventana es nueva').waitFor()
    expect(await translationOf('La ventana es nueva').count()).toBe(0)
    await runAction(page, 'La ventana es nueva', 'Translate')
    await translationOf('La ventana es nueva').getByText('The window is new.').waitFor()
  })

  it('are replaced by a notice if the engine cannot translate between the languages', async () => {
    await send('Wir treffen uns morgen früh im Büro am Bahnhof.')

    await runAction(page, 'Wir treffen uns', 'Translate')

    await translationOf('Wir treffen uns')
      .getByText('translate this language into English')
      .waitFor()
  })

  it('use the language that the account has chosen', async () => {
    await chooseTarget('Spanish')
    await send('The garden is small.')

    await runAction(page, 'The garden is small', 'Translate')

    await translationOf('The garden is small').getByText('El jardín es pequeño.').waitFor()
    await chooseTarget('Same as the display language')
  })

  it('appear without a click in a room with automatic translation, unless the user knows the language', async () => {
    await page.locator('.room-head').getByRole('button').last().click()
    await page.getByRole('menuitemcheckbox', { name: 'Translate messages automatically' }).click()

    await send('The weather is very nice in the city today.')
    await send('El tiempo es muy bueno en la ciudad.')

    await translationOf('El tiempo es muy bueno').getByText('city').waitFor()
    expect(await translationOf('The weather is very nice').count()).toBe(0)
    await expectNoProblems(visitor)
  })
})
