import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { message, typeMessage, useClientFixture, type Visitor } from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

const tabCount = 20

let alice: Visitor
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

async function givenRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  await alice.page.getByRole('link', { name: room }).waitFor()
  return room
}

async function openTab(room: string): Promise<Page> {
  const page = await alice.page.context().newPage()
  await page.goto(`${fixture.urls.web}/r/${room}`)
  await page.locator('#composer').waitFor()
  return page
}

async function findMessages(room: string, text: string) {
  const { messages } = await bob.client.call('chat.history', { room })
  return messages.filter((message) => message.text === text)
}

async function readAliceStatus(room: string): Promise<string | undefined> {
  const { present } = await bob.client.call('presence.room', { room })
  return Object.entries(present).find(([user]) => user === 'alice')?.[1]
}

describe('many tabs of one user', { timeout: 240_000 }, () => {
  it('show the same messages, and stay connected when some of them are closed', async () => {
    const room = await givenRoom()
    const pages: Page[] = []
    for (let count = 0; count < tabCount; count++) pages.push(await openTab(room))

    await bob.send(room, 'to all of them')
    for (const page of pages) await message(page, 'to all of them').waitFor()

    const [first, ...others] = pages
    await first?.close()
    for (const page of others.slice(0, -1)) await page.close()
    const last = others.at(-1)
    if (!last) throw new Error('There is no last tab')
    await typeMessage(last, 'still here')
    await message(last, 'still here').waitFor()
    expect(await readAliceStatus(room)).toBe('online')
  })

  it('send the messages that were written offline in a tab that was then closed', async () => {
    const room = await givenRoom()
    const [one, other, third] = [await openTab(room), await openTab(room), await openTab(room)]
    const context = alice.page.context()
    await context.setOffline(true)
    await typeMessage(one, 'from the first')
    await typeMessage(other, 'from the second')
    await message(one, 'from the first').waitFor()
    await message(other, 'from the second').waitFor()
    await one.close()
    await other.close()

    await context.setOffline(false)

    for (const text of ['from the first', 'from the second']) {
      await message(third, text).waitFor()
      await expect.poll(() => findMessages(room, text)).toHaveLength(1)
    }
    await third.close()
  })

  it('share theme and density settings', async () => {
    const other = await openTab(await givenRoom())
    const open = async (page: Page) => {
      await page.bringToFront()
      await page.getByRole('button', { name: /^Alice Adams/ }).click()
      await page.getByRole('menuitem', { name: 'Settings' }).click()
      return page.getByRole('dialog', { name: 'Settings' })
    }
    const shown = (page: Page) => page.evaluate(() => ({ ...document.documentElement.dataset }))

    await (await open(alice.page)).getByLabel('Dark').check()
    await expect.poll(() => shown(other)).toMatchObject({ theme: 'dark' })
    await (await open(other)).getByLabel('Compact').check()

    const both = { theme: 'dark', density: 'compact' }
    for (const page of [alice.page, other]) await expect.poll(() => shown(page)).toMatchObject(both)
    await other.getByLabel('Comfortable').check()
    await other.getByLabel('System').check()
    await alice.page.keyboard.press('Escape')
    await other.close()
  })

  it('share the read position', async () => {
    const room = await givenRoom()
    const badge = (page: Page) =>
      page.getByRole('link', { name: new RegExp(room) }).locator('.badge, .is-unread')
    const other = await openTab(await givenRoom())
    await bob.send(room, '@alice, have you seen this?')
    for (const page of [alice.page, other])
      await page.getByRole('link', { name: new RegExp(`${room}.*1`) }).waitFor()

    await alice.page.bringToFront()
    await alice.page.getByRole('link', { name: room }).click()
    await message(alice.page, 'have you seen this?').waitFor()

    await expect.poll(() => badge(other).count()).toBe(0)
    await other.close()
  })
})
