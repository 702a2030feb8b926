import { describe, it } from 'vitest'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'

let alice: Visitor
let bob: Visitor

const fixture = useClientFixture({
  env: { DEFAULT_ROOMS: 'general,release-notes' },
  async setUp({ open }) {
    alice = await open('alice')
    bob = await open('bob')
  },
})

describe('the first visit', { timeout: 90_000 }, () => {
  it('explains the product and offers three actions', async () => {
    const { page } = alice
    const main = page.getByRole('main')
    await main.getByText(/^Natter is where your team talks/).waitFor()
    await expectAccessible(page)

    for (const [action, title] of [
      ['Create a room', 'Create room'],
      ['Find a room', 'Browse rooms'],
      ['Message someone', 'New message'],
    ] as const) {
      await main.getByRole('button', { name: action }).click()
      await page.getByRole('dialog', { name: title }).waitFor()
      await page.keyboard.press('Escape')
    }
  })

  it('shows the default rooms, in which new users can talk at once', async () => {
    for (const { page } of [alice, bob])
      await page.getByRole('link', { name: 'Release notes' }).click()

    await typeMessage(alice.page, 'First words')

    await message(bob.page, 'First words').waitFor()
    await bob.page.getByRole('link', { name: 'General' }).click()
    await bob.page.getByRole('heading', { level: 1, name: 'General' }).waitFor()
  })

  it('offers to open the existing room when the address of a new room is already taken', async () => {
    const { page } = alice
    const room = await createRoom(bob.page, 'public')
    await page.getByRole('button', { name: 'Create room' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create room' })
    await dialog.getByLabel('Name').fill(room)
    await dialog.getByRole('button', { name: 'Create room' }).click()

    await dialog.getByRole('button', { name: `Open ${room}` }).click()

    await page.getByRole('button', { name: 'Join room' }).click()
    await page.getByRole('heading', { level: 1, name: room }).waitFor()
  })

  it('offers to find a room if the page’s URL names an unknown room', async () => {
    const { page } = alice
    await page.goto(`${fixture.urls.web}/r/no-such-room`)
    await page.getByText('This room doesn’t exist, or you’re not a member.').waitFor()

    await page.getByRole('main').getByRole('button', { name: 'Find a room' }).click()

    await page.getByRole('dialog', { name: 'Browse rooms' }).waitFor()
    await page.keyboard.press('Escape')
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })
})
