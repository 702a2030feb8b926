import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AppId } from '#schema/messages/app'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

const poll = 'poll' as AppId
let alice: Visitor
let bob: Visitor
let aliceClient: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    aliceClient = await connect('alice')
    alice = await open('alice')
    bob = await open('bob')
  },
})

let room: string

/** Alice owns the room and bob is a member of it. */
beforeEach(async () => {
  room = await createRoom(alice.page, 'private')
  await fixture.inviteAndJoin(room, 'bob', aliceClient)
  const name = (await alice.page.getByRole('heading', { level: 1 }).textContent()) ?? ''
  await bob.page.getByRole('link', { name }).click()
  await bob.page.getByRole('heading', { level: 1, name }).waitFor()
})

async function openApps({ page }: Visitor) {
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  await page.getByRole('region', { name: 'Apps' }).waitFor()
}

async function openPoll(visitor: Visitor) {
  await openApps(visitor)
  await visitor.page.getByRole('button', { name: 'Open Poll' }).click()
  const app = frameOf(visitor.page)
  await app.getByRole('heading', { name: 'Polls' }).waitFor()
  return app
}

function frameOf(page: Page) {
  return page.frameLocator('iframe[title="Poll"]')
}

async function givenPolls() {
  await aliceClient.client.call('apps.install', { room, app: poll })
  return { aliceApp: await openPoll(alice), bobApp: await openPoll(bob) }
}

type Frame = ReturnType<typeof frameOf>

async function createPoll(app: Frame, question: string, ...settings: string[]) {
  await app.getByRole('button', { name: 'Create poll' }).click()
  await app.getByLabel('Question').fill(question)
  await app.getByLabel('Option 1').fill('Pizza')
  await app.getByLabel('Option 2').fill('Soup')
  for (const setting of settings) await app.getByLabel(setting).check()
  await app.getByRole('button', { name: 'Create poll' }).click()
  await app.getByRole('group', { name: question }).waitFor()
}

describe('the apps of a room', { timeout: 60_000 }, () => {
  it('are installed and removed by the owner, and all members see the change at once', async () => {
    await openApps(bob)
    await bob.page.getByText('No apps in this room yet.').waitFor()
    expect(await bob.page.getByRole('button', { name: 'Add Poll' }).count()).toBe(0)
    await openApps(alice)

    await alice.page.getByRole('button', { name: 'Add Poll' }).click()

    await bob.page.getByRole('button', { name: 'Open Poll' }).click()
    await frameOf(bob.page).getByText('No polls in this room yet.').waitFor()
    await expectAccessible(bob.page)
    await alice.page.getByRole('button', { name: 'Remove Poll' }).click()
    await bob.page.getByText('This app was removed from the room.').waitFor()
    expect(await bob.page.locator('iframe').count()).toBe(0)
    await expectAccessible(alice.page)
  })

  it('can be enlarged without losing their state', async () => {
    const { aliceApp } = await givenPolls()
    await aliceApp.getByRole('button', { name: 'Create poll' }).click()
    await aliceApp.getByLabel('Question').fill('Still here?')
    const frame = alice.page.locator('iframe[title="Poll"]')
    const widthOf = async () => (await frame.boundingBox())?.width ?? 0
    const width = await widthOf()

    await alice.page.getByRole('button', { name: 'Expand' }).click()
    await expect.poll(widthOf).toBeGreaterThan(width * 1.5)
    await alice.page.getByRole('button', { name: 'Collapse' }).click()
    await expect.poll(widthOf).toBe(width)

    expect(await aliceApp.getByLabel('Question').inputValue()).toBe('Still here?')
  })

  it('may show images from data: and blob: URLs', async () => {
    const { aliceApp } = await givenPolls()

    const sizes = await aliceApp.locator('body').evaluate(async () => {
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>'
      const blob = new Blob([svg], { type: 'image/svg+xml' })
      const urls = [`data:image/svg+xml,${encodeURIComponent(svg)}`, URL.createObjectURL(blob)]
      return Promise.all(
        urls.map(async (src) => {
          const image = Object.assign(new Image(), { src })
          await image.decode().catch(() => undefined)
          return image.naturalWidth
        }),
      )
    })

    expect(sizes).toEqual([7, 7])
  })

  it('are closed when the user opens another room or is removed from the room', async () => {
    await givenPolls()

    const other = await createRoom(alice.page, 'private')
    await aliceClient.client.call('room.kick', { room, userId: 'bob' as never })

    expect(other).not.toBe(room)
    expect(await alice.page.locator('iframe').count()).toBe(0)
    await expect.poll(() => bob.page.locator('iframe').count()).toBe(0)
  })

  it('show the advice to reload the page when an app fails to start for the second time', async () => {
    const { page } = alice
    await aliceClient.client.call('apps.install', { room, app: poll })
    await openApps(alice)
    // Leaves the frames empty, as in a browser whose process for frames hangs.
    await page.evaluate(() =>
      Object.defineProperty(HTMLIFrameElement.prototype, 'srcdoc', { set: () => undefined }),
    )
    await page.getByRole('button', { name: 'Open Poll' }).click()
    await page.getByText('Poll didn’t start.').waitFor({ timeout: 25_000 })
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('Try reloading the page.').waitFor({ timeout: 25_000 })

    await page.getByRole('button', { name: 'Reload' }).click()

    await page.getByText('Try reloading the page.').waitFor({ state: 'detached' })
    await openPoll(alice)
  })

  it('get the focus with F6, and return it to the composer with F6 or with Escape twice', async () => {
    const { page } = alice
    const { aliceApp } = await givenPolls()
    const focused = () => page.evaluate(() => document.activeElement?.id)
    await page.locator('#composer').focus()

    for (const keys of [['F6'], ['Escape', 'Escape']]) {
      await page.keyboard.press('F6')
      await expect
        .poll(() =>
          aliceApp
            .locator(':focus')
            .textContent({ timeout: 1_000 })
            .catch(() => ''),
        )
        .toBe('Create poll')
      for (const key of keys) await page.keyboard.press(key)
      await expect.poll(focused).toBe('composer')
    }

    await typeMessage(page, 'typed after the app')
    await message(page, 'typed after the app').waitFor()
  })

  it('follow the theme, the language and the direction of the page', async () => {
    const { aliceApp } = await givenPolls()
    const root = aliceApp.locator(':root')
    const set = (settings: object) =>
      alice.page.evaluate((changed) => {
        const key = 'natter-settings'
        localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage[key]), ...changed }))
        dispatchEvent(new StorageEvent('storage', { key }))
      }, settings)

    await set({ theme: 'dark', language: 'ar' })

    await aliceApp.getByRole('heading', { name: 'استطلاعات الرأي' }).waitFor()
    await expect.poll(() => root.getAttribute('dir')).toBe('rtl')
    expect(await root.evaluate((element) => element.style.colorScheme)).toBe('dark')
    await expectAccessible(alice.page)
    await set({ theme: 'system', language: '' })
    await aliceApp.getByRole('heading', { name: 'Polls' }).waitFor()
  })
})

describe('a poll', { timeout: 60_000 }, () => {
  it('shows votes, changed votes and withdrawn votes to all members', async () => {
    const { aliceApp, bobApp } = await givenPolls()
    await createPoll(aliceApp, 'Lunch?')
    const choice = (app: Frame, name: string) => app.getByRole('radio', { name })

    await choice(bobApp, 'Pizza').check()
    await aliceApp.getByText('1 person voted').waitFor()
    await choice(aliceApp, 'Soup').check()
    await bobApp.getByText('2 people voted').waitFor()
    await choice(bobApp, 'Soup').check()
    await aliceApp.getByText('Show as table').click()

    const rows = aliceApp.getByRole('row')
    await expect
      .poll(() => rows.allInnerTexts())
      .toEqual([
        'Answer\tVotes\tShare\tPeople',
        'Pizza\t0\t0%\t',
        expect.stringMatching(/^Soup\t2\t100%\talice.* and bob/i),
      ])
    await expectAccessible(alice.page)
    await bobApp.getByRole('button', { name: 'Remove my vote' }).click()
    await aliceApp.getByText('1 person voted').waitFor()
    expect(await choice(bobApp, 'Soup').isChecked()).toBe(false)
    expect(await bobApp.getByRole('button', { name: 'Close poll' }).count()).toBe(0)
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('with multiple answers, anonymous votes and hidden results shows the results when it is closed', async () => {
    const { aliceApp, bobApp } = await givenPolls()
    await createPoll(
      bobApp,
      'When?',
      'Allow multiple answers',
      'Anonymous votes',
      'Hide results until the poll is closed',
    )
    await aliceApp.getByRole('checkbox', { name: 'Pizza' }).check()
    await aliceApp.getByRole('checkbox', { name: 'Soup' }).check()
    await bobApp.getByText('1 person voted').waitFor()
    expect(await bobApp.getByText('Show as table').count()).toBe(0)

    await aliceApp.getByRole('button', { name: 'Close poll' }).click()

    await bobApp.getByText('Show as table').click()
    expect(await bobApp.getByRole('row').allInnerTexts()).toEqual([
      'Answer\tVotes\tShare',
      'Pizza\t1\t100%',
      'Soup\t1\t100%',
    ])
    expect(await bobApp.getByRole('checkbox', { name: 'Pizza' }).isDisabled()).toBe(true)
  })

  it('is created and voted on by keyboard only', async () => {
    const { page } = alice
    const { aliceApp, bobApp } = await givenPolls()
    const focused = () => aliceApp.locator(':focus')
    await page.keyboard.press('F6')
    await focused().waitFor()
    await page.keyboard.press('Enter')
    await expect
      .poll(() =>
        aliceApp
          .locator(':focus')
          .evaluate(({ tagName }) => tagName)
          .catch(() => ''),
      )
      .toBe('INPUT')
    for (const text of ['Dinner?', 'Yes', 'No']) {
      await page.keyboard.type(text)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await bobApp.getByRole('group', { name: 'Dinner?' }).waitFor()

    await aliceApp.getByRole('radio', { name: 'Yes' }).focus()
    await page.keyboard.press('Space')

    await bobApp.getByText('1 person voted').waitFor()
  })

  it('can be created with 2 to 10 options, which can be added and removed in the form', async () => {
    const { aliceApp } = await givenPolls()
    const option = (number: number) => aliceApp.getByRole('textbox', { name: `Option ${number}` })
    await aliceApp.getByRole('button', { name: 'Create poll' }).click()
    await aliceApp.getByLabel('Question').fill('Colour?')
    await aliceApp.getByRole('button', { name: 'Add another' }).click()
    await alice.page.keyboard.type('Blue')
    await option(1).fill('Red')
    await option(2).fill('Green')
    await expectAccessible(alice.page)

    await aliceApp.getByRole('button', { name: 'Remove Option 2' }).click()
    expect(await option(2).inputValue()).toBe('Blue')
    expect(await aliceApp.getByRole('button', { name: 'Remove' }).count()).toBe(0)
    for (let count = 2; count < 10; count += 1)
      await aliceApp.getByRole('button', { name: 'Add another' }).click()
    expect(await aliceApp.getByRole('button', { name: 'Add another' }).count()).toBe(0)
    for (let count = 10; count > 2; count -= 1)
      await aliceApp.getByRole('button', { name: `Remove Option ${count}`, exact: true }).click()
    await alice.page.keyboard.press('Enter')

    const group = aliceApp.getByRole('group', { name: 'Colour?' })
    await group.waitFor()
    expect(await group.getByRole('radio').count()).toBe(2)
    await group.getByRole('radio', { name: 'Blue' }).waitFor()
  })

  it('shows why an action failed', async () => {
    const { aliceApp, bobApp } = await givenPolls()
    await createPoll(aliceApp, 'Too late?')
    await createPoll(aliceApp, 'Allowed?')
    await aliceApp
      .getByRole('article')
      .filter({ hasText: 'Too late?' })
      .getByRole('button', { name: 'Close poll' })
      .click()
    const late = bobApp.getByRole('group', { name: 'Too late?' })
    await late.getByText('Closed').waitFor()

    // Bob votes although the poll is closed, like a user whose vote was sent just before the closing
    // and arrives after it.
    await late.evaluate((group) => group.removeAttribute('disabled'))
    await late.getByRole('radio', { name: 'Pizza' }).click()
    await bobApp.getByRole('alert').getByText('The poll is closed.').waitFor()

    await aliceClient.client.call('room.role', { room, userId: 'bob', role: 'guest' } as never)
    const options = bobApp.getByRole('group', { name: 'Allowed?' }).getByRole('radio')
    const alert = bobApp.getByRole('alert')
    // The server may cache bob's old role for a moment, so it may still accept his first votes.
    await expect
      .poll(async () => {
        await options.and(bobApp.locator(':not(:checked)')).first().click()
        return alert.textContent()
      })
      .toBe('You don’t have permission to do this, or it no longer exists.')
  })

  it('is reloaded after the page has missed updates', async () => {
    const { bobApp } = await givenPolls()
    const id = crypto.randomUUID()
    await bob.page.context().setOffline(true)
    await bob.page.evaluate(() => dispatchEvent(new Event('offline')))

    await alice.page.bringToFront()
    await createPoll(frameOf(alice.page), `Missed ${id}?`)
    await bob.page.context().setOffline(false)

    await bobApp.getByRole('group', { name: `Missed ${id}?` }).waitFor({ timeout: 20_000 })
  })
})
