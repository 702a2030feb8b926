import { beforeAll, describe, expect, it } from 'vitest'
import type { UserId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import {
  expectNoProblems,
  goTo,
  message,
  type PersonName,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

const poll = 'poll' as AppId
const people: PersonName[] = ['alice', 'bob', 'charlie']
let pages: Record<PersonName, Visitor>
let users: Record<PersonName, TestUser>

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    pages = { alice: await open('alice'), bob: await open('bob'), charlie: await open('charlie') }
    users = {
      alice: await connect('alice'),
      bob: await connect('bob'),
      charlie: await connect('charlie'),
    }
  },
})

let room: string

/** Alice and bob are members of a public room, which charlie may read without joining. */
beforeAll(async () => {
  room = `lunch-${crypto.randomUUID().slice(0, 8)}`
  await users.alice.client.call('room.create', { room, name: room, kind: 'public' })
  await users.bob.client.call('room.join', { room })
  for (const name of people) {
    await goTo(pages[name].page, fixture.urls.web, room)
    await pages[name].page.getByRole('heading', { level: 1, name: room }).waitFor()
  }
}, 60_000)

async function openPoll({ page }: Visitor) {
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  await page.getByRole('region', { name: 'Apps' }).waitFor()
  await page.getByRole('button', { name: 'Open Poll' }).click()
  await appOf({ page }).getByRole('heading', { name: 'Polls' }).waitFor()
}

function appOf({ page }: Pick<Visitor, 'page'>) {
  return page.frameLocator('iframe[title="Poll"]')
}

function countOf({ page }: Visitor) {
  return page.locator('iframe').count()
}

/** Each test continues where the previous one ends. */
describe('a poll in a public room with two members and a reader who has not joined', {
  timeout: 60_000,
}, () => {
  it('can be installed and opened by members only', async () => {
    const { alice, bob, charlie } = pages
    await alice.page.getByRole('button', { name: 'Room options' }).click()
    await alice.page.getByRole('menuitem', { name: 'Apps' }).click()
    await alice.page.getByRole('button', { name: 'Add Poll' }).click()
    await alice.page.getByRole('button', { name: 'Open Poll' }).click()
    await openPoll(bob)

    await appOf(alice).getByRole('button', { name: 'Create poll' }).click()
    await appOf(alice).getByLabel('Question').fill('Lunch?')
    await appOf(alice).getByLabel('Option 1').fill('Pizza')
    await appOf(alice).getByLabel('Option 2').fill('Soup')
    await appOf(alice).getByRole('button', { name: 'Create poll' }).click()

    await appOf(bob).getByRole('radio', { name: 'Pizza' }).check()
    await appOf(alice).getByText('1 person voted').waitFor()
    await users.alice.send(room, 'Please vote')
    await message(charlie.page, 'Please vote').waitFor()
    expect(await charlie.page.getByRole('button', { name: 'Open Poll' }).count()).toBe(0)
    expect(await charlie.page.getByRole('button', { name: 'Room options' }).count()).toBe(0)
    expect(charlie.frames.filter((frame) => frame.includes('app.poll'))).toEqual([])
  })

  it('disappears, with a notice, from the page of a member who is removed from the room', async () => {
    const { alice, bob } = pages

    await users.alice.client.call('room.kick', { room, userId: 'bob' as UserId })

    await bob.page.getByText(`You were removed from ${room}.`).waitFor()
    await expect.poll(() => countOf(bob)).toBe(0)
    await appOf(alice).getByText('1 person voted').waitFor()
  })

  it('rejects calls by the removed member and by the reader, even if they pass the id of a member', async () => {
    const own = `own-${crypto.randomUUID().slice(0, 8)}`
    await users.bob.client.call('room.create', { room: own, name: own, kind: 'public' })
    const input = { app: poll, action: 'list' }
    const forged = { user: 'alice', room }

    for (const { client } of [users.bob, users.charlie]) {
      await expect(client.call('app.action', { ...input, room, data: {} })).rejects.toMatchObject({
        code: 'forbidden',
      })
      await expect(
        client.call('app.action', { ...input, room, data: forged }),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(forbidden|invalid)$/) })
      // Polls are not installed in bob's own room, so even its owner cannot call them there.
      await expect(
        client.call('app.action', { ...input, room: own, data: {} }),
      ).rejects.toMatchObject({ code: 'forbidden' })
      await expect(client.call('apps.install', { room, app: poll })).rejects.toMatchObject({
        code: 'forbidden',
      })
    }
  })

  it('disappears, with a notice, when the app is removed from the room', async () => {
    const { alice } = pages

    await users.alice.client.call('apps.uninstall', { room, app: poll })

    await alice.page.getByText('This app was removed from the room.').waitFor()
    expect(await countOf(alice)).toBe(0)
    for (const name of people) await expectNoProblems(pages[name])
  })
})
