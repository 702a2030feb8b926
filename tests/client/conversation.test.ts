import { describe, expect, it } from 'vitest'
import {
  confirm,
  createRoom,
  expectNoProblems,
  goTo,
  message,
  runAction,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'

let alice: Visitor
let bob: Visitor

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '10' },
  async setUp({ open }) {
    alice = await open('alice')
    bob = await open('bob')
  },
})

async function givenRoom(): Promise<string> {
  const room = await createRoom(alice.page, 'public')
  await goTo(bob.page, fixture.urls.web, room)
  await bob.page.getByRole('button', { name: 'Join room' }).click()
  await bob.page.locator('#composer').waitFor()
  return room
}

const focused = ({ page }: Visitor) =>
  page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent}`)

describe('a room that is open in two browsers', { timeout: 60_000 }, () => {
  it('returns the focus to a message whose deletion was cancelled', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'not deleted')
    await runAction(alice.page, 'not deleted', 'Delete')
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()

    await expect.poll(() => focused(alice)).toMatch(/^BUTTON/)
    await message(alice.page, 'not deleted').locator(':focus').waitFor()
  })

  it('keeps the focus on a message that its sender deletes', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'soon deleted')
    await message(bob.page, 'soon deleted').waitFor()
    await bob.page.locator('#composer').press('Alt+ArrowUp')
    await bob.page.keyboard.press('Tab')
    await expect.poll(() => focused(bob)).toMatch(/^BUTTON/)

    await runAction(alice.page, 'soon deleted', 'Delete')
    await confirm(alice.page, 'Delete')
    await bob.page.getByText('This message was deleted.').waitFor()

    expect(await focused(bob)).toMatch(/^ARTICLE .*This message was deleted/)
  })

  it('counts a visible message as read even if the page is closed at once', async () => {
    const room = await givenRoom()
    const { page } = alice
    await goTo(page, fixture.urls.web, 'nowhere')
    await typeMessage(bob.page, 'seen for a moment')
    const link = page.getByRole('link', { name: new RegExp(`${room}.*1 unread`) })
    await link.click()
    await message(page, 'seen for a moment').waitFor()

    await page.goto('about:blank')

    const other = await fixture.open('alice')
    await other.page.getByRole('link', { name: room }).waitFor()
    await expect
      .poll(() => other.page.getByRole('link', { name: room }).textContent())
      .not.toContain('unread')
    await other.page.context().close()
    await page.goto(fixture.urls.web)
    await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  })

  it('shows who is typing until that user’s message arrives', async () => {
    const room = await givenRoom()
    const other = await givenRoom()
    const indicator = alice.page.getByText('Bob Brown is typing…')
    await bob.page.locator('#composer').press('a')
    await indicator.waitFor()
    await goTo(alice.page, fixture.urls.web, room)
    await bob.page.getByRole('link', { name: room }).click()

    await bob.page.locator('#composer').press('b')

    await indicator.waitFor({ timeout: 2_500 })
    await typeMessage(bob.page, 'that was it')
    await message(alice.page, 'that was it').waitFor()
    expect(await indicator.count()).toBe(0)
    expect(other).not.toBe(room)
  })

  it('logs no errors in either page', async () => {
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })
})
