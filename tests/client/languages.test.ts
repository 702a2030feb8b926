import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { message, useClientFixture, type Visitor } from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser
let room: string

useClientFixture({
  async setUp({ open, connect, inviteAndJoin }) {
    bob = await connect('bob')
    alice = await open('alice')
    room = `room-${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room, name: room, kind: 'private' })
    await inviteAndJoin(room, 'alice', bob)
    await bob.send(room, 'مرحبا بالجميع')
    await bob.send(room, '```ts\nconst left = 1\n```')
    await alice.page.getByRole('link', { name: room }).click()
    await message(alice.page, 'const left').waitFor()
  },
})

async function chooseLanguage(page: Page, language: string) {
  await page.locator('.me').click()
  await page
    .getByRole('menuitem')
    .filter({ hasText: /Settings|Einstellungen|设置|الإعدادات/ })
    .click()
  await page.getByRole('dialog').getByRole('combobox').first().selectOption(language)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

const leftOf = async (page: Page, selector: string) =>
  (await page.locator(selector).first().boundingBox())?.x ?? Number.NaN

describe('the language of the page', { timeout: 60_000 }, () => {
  it('can be changed without a reload, and is kept after a reload', async () => {
    const { page } = alice
    await page.evaluate(() => Object.assign(window, { isSame: true }))

    await chooseLanguage(page, 'de')
    await page.getByRole('heading', { name: 'Räume', exact: true }).waitFor()
    await chooseLanguage(page, 'zh')
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('zh')

    expect(await page.evaluate(() => 'isSame' in window)).toBe(true)
    await page.reload()
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('zh')
  })

  it('lays out Arabic from right to left, except code', async () => {
    const { page } = alice
    await chooseLanguage(page, 'ar')
    await expect.poll(() => page.locator('html').getAttribute('dir')).toBe('rtl')
    await message(page, 'const left').waitFor()

    expect(await leftOf(page, '.sidebar')).toBeGreaterThan(await leftOf(page, '.room-main'))
    const code = page.getByRole('log').locator('pre').first()
    expect(await code.evaluate((element) => getComputedStyle(element).direction)).toBe('ltr')
    const text = message(page, 'مرحبا بالجميع').locator('p').first()
    expect(await text.evaluate((element) => getComputedStyle(element).direction)).toBe('rtl')
    const widths = await page.evaluate(() => [document.body.scrollWidth, window.innerWidth])
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0)
  })
})
