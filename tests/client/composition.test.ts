import type { Locator } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  createRoom,
  expectNoProblems,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { pressInComposition } from '../support/composition.ts'

let alice: Visitor

useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open }) {
    alice = await open('alice')
    await createRoom(alice.page, 'public')
  },
})

const field = () => alice.page.locator('#composer')

// Chromium, Firefox and WebKitGTK send `keydown` of the last key before `compositionend`, Safari
// after it.
describe.each(['before-end', 'after-end'] as const)(
  'a key that an input method handles (keydown relative to compositionend: %s)',
  { timeout: 60_000 },
  (order) => {
    const press = async (target: Locator, key: string) => {
      await target.focus()
      await alice.page.evaluate(pressInComposition, { key, order })
    }

    it('does not send a message', async () => {
      const text = `日本語 ${order}`
      await field().fill(text)

      await press(field(), 'Enter')

      expect(await field().inputValue()).toBe(text)
      await field().press('Enter')
      await message(alice.page, text).waitFor()
      expect(await field().inputValue()).toBe('')
    })

    it('does not send a reply or close the thread', async () => {
      const { page } = alice
      const root = `root ${order}`
      await typeMessage(page, root)
      await message(page, root).hover()
      await message(page, root).getByRole('button', { name: 'Reply in thread' }).click()
      const reply = page.locator('#thread-composer')
      await reply.fill('返信')

      await press(reply, 'Enter')
      expect(await reply.inputValue()).toBe('返信')
      await press(field(), 'Escape')
      expect(await reply.isVisible()).toBe(true)

      await reply.fill('')
      await reply.press('Escape')
      await reply.waitFor({ state: 'detached' })
    })

    it('neither saves nor discards an edit', async () => {
      const { page } = alice
      await typeMessage(page, `before ${order}`)
      await field().press('ArrowUp')
      await page.getByText('Editing message').waitFor()
      await field().fill('編集')

      await press(field(), 'Enter')
      await press(field(), 'Escape')

      expect(await field().inputValue()).toBe('編集')
      expect(await page.getByText('Editing message').isVisible()).toBe(true)
      await field().press('Escape')
      expect(await field().inputValue()).toBe('')
    })

    it('does not move through or insert suggestions', async () => {
      await field().pressSequentially(':ta')
      await alice.page.getByRole('option').nth(1).waitFor()
      const active = await field().getAttribute('aria-activedescendant')

      await press(field(), 'ArrowDown')
      expect(await field().getAttribute('aria-activedescendant')).toBe(active)
      for (const key of ['Enter', 'Tab', 'Escape']) await press(field(), key)

      expect(await field().inputValue()).toBe(':ta')
      expect(await alice.page.getByRole('option').count()).toBeGreaterThan(1)
      await field().fill('')
    })

    it('picks no emoji', async () => {
      const { page } = alice
      await page.getByRole('button', { name: 'Emoji' }).click()
      const search = page.getByRole('searchbox', { name: 'Search emoji' })
      await search.fill('whale')
      await page.getByRole('button', { name: '🐳' }).waitFor()

      for (const key of ['Enter', 'ArrowDown', 'Escape']) await press(search, key)

      expect(await field().inputValue()).toBe('')
      expect(await search.evaluate((element) => element === document.activeElement)).toBe(true)
      await search.press('Escape')
      await search.waitFor({ state: 'detached' })
    })

    it('neither picks a room in the quick switcher nor closes the dialog', async () => {
      const { page } = alice
      await page.keyboard.press('ControlOrMeta+k')
      const search = page.getByRole('dialog').getByRole('combobox')
      await page.getByRole('option').first().waitFor()
      const active = await search.getAttribute('aria-activedescendant')

      for (const key of ['ArrowDown', 'Enter', 'Escape']) await press(search, key)

      expect(await search.isVisible()).toBe(true)
      expect(await search.getAttribute('aria-activedescendant')).toBe(active)
      await search.press('Escape')
      await search.waitFor({ state: 'detached' })
    })

    it('does not close a dialog with a text field', async () => {
      const { page } = alice
      await page.getByRole('button', { name: 'Create room' }).click()
      const name = page.getByRole('dialog').getByLabel('Name')
      await name.fill('部屋')

      for (const key of ['Enter', 'Escape']) await press(name, key)

      expect(await name.inputValue()).toBe('部屋')
      await name.press('Escape')
      await name.waitFor({ state: 'detached' })
    })

    it('runs no shortcut', async () => {
      await press(field(), '?')
      await press(alice.page.getByRole('log').first(), '?')

      expect(await alice.page.getByRole('dialog').count()).toBe(0)
    })
  },
)

describe('the page', () => {
  it('reports no error during the tests above', () => expectNoProblems(alice))
})
