import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientGround,
  createClientGround,
  expectAccessible,
  expectNoProblems,
  makeRoom,
  message,
  type Visitor,
} from './ground.ts'
import { createVoice, type Voice } from './voice.ts'

let ground: ClientGround
let alice: Visitor
let bob: Voice

beforeAll(async () => {
  ground = await createClientGround({ RATE_LIMIT_FACTOR: '100' })
  bob = await createVoice(ground.urls, 'bob')
  await using charlie = await createVoice(ground.urls, 'charlie')
  await charlie.client.call('users.me', {})
  alice = await ground.open('alice')
}, 120_000)
afterAll(async () => {
  await bob?.[Symbol.asyncDispose]()
  await ground?.[Symbol.asyncDispose]()
})

/** A room of alice's with bob in it, and nothing written yet. */
async function givenRoom(): Promise<string> {
  const room = await makeRoom(alice.page, 'public')
  await bob.client.call('room.join', { room })
  return room
}

const field = () => alice.page.locator('#composer')
const list = () => alice.page.getByRole('listbox', { name: 'People to mention' })
const option = (name: RegExp) => list().getByRole('option', { name })

describe('naming people', { timeout: 60_000 }, () => {
  it('offers people of the room by any word of their name, and takes one by keys', async () => {
    await givenRoom()
    await field().pressSequentially('(@BRO')
    await option(/Bob Brown/).waitFor()

    const id = await option(/Bob Brown/).getAttribute('id')
    expect(await field().getAttribute('aria-activedescendant')).toBe(id)
    expect(await field().getAttribute('aria-controls')).toBe(await list().getAttribute('id'))
    await expectAccessible(alice.page)
    await field().press('Enter')

    expect(await field().inputValue()).toBe('(@bob ')
    await list().waitFor({ state: 'detached' })
    await field().press('Enter')
    await message(alice.page, '(@Bob Brown').waitFor()
  })

  it('offers everybody of the room for the sign alone, and goes through them by arrows', async () => {
    const room = await givenRoom()
    await using charlie = await createVoice(ground.urls, 'charlie')
    await charlie.client.call('room.join', { room })
    await field().pressSequentially('@')
    await option(/Charlie/).waitFor()
    expect(await list().getByRole('option').count()).toBe(2)
    await field().press('ArrowDown')
    await field().press('Tab')

    expect(await field().inputValue()).toBe('@charlie ')
    await field().pressSequentially('@')
    await option(/Bob Brown/).click()
    expect(await field().inputValue()).toBe('@charlie @bob ')
    await field().fill('')
  })

  it('finds those who are not in the room as well, and says so', async () => {
    await givenRoom()

    await field().pressSequentially('ask @char')

    await option(/Charlie.*not in this room/).waitFor()
    await field().press('Tab')
    expect(await field().inputValue()).toBe('ask @charlie ')
    await field().fill('')
  })

  it('takes nobody for letters that were written since', async () => {
    await givenRoom()
    await field().pressSequentially('@b')
    await option(/Bob Brown/).waitFor()

    await field().pressSequentially('zz', { delay: 0 })
    await field().press('Enter')

    await message(alice.page, '@bzz').waitFor()
    expect(await field().inputValue()).toBe('')
  })

  it('leaves off when it is told to, and goes on at the next word', async () => {
    await givenRoom()
    await field().pressSequentially('@b')
    await option(/Bob Brown/).waitFor()

    await field().press('Escape')
    await list().waitFor({ state: 'detached' })
    await field().pressSequentially('o')
    expect(await list().count()).toBe(0)
    await field().pressSequentially(' @b')
    await option(/Bob Brown/).waitFor()
    await field().press('Escape')
    await field().press('Enter')

    await message(alice.page, '@bo @b').waitFor()
  })

  it('knows whom it has seen without a connection, and sends what is written', async () => {
    const room = await givenRoom()
    await bob.say(room, 'I am here')
    await message(alice.page, 'I am here').waitFor()
    await alice.page.context().setOffline(true)

    await field().pressSequentially('@bo')
    await option(/Bob Brown/).waitFor()
    await field().pressSequentially('zzz')
    await field().press('Enter')

    await message(alice.page, '@bozzz').waitFor()
    await alice.page.context().setOffline(false)
    // It says of each socket that it could not open.
    alice.problems.length = 0
  })
})

describe('writing', { timeout: 60_000 }, () => {
  it('finds an emoji by its name, and knows one that is written to the end', async () => {
    await givenRoom()
    await field().pressSequentially('done :tad')
    await alice.page.getByRole('option', { name: ':tada:' }).waitFor()
    await field().press('Enter')
    expect(await field().inputValue()).toBe('done 🎉 ')

    await field().pressSequentially('at 12:30 :rocket:')

    await expect.poll(() => field().inputValue()).toBe('done 🎉 at 12:30 🚀')
    await field().fill('')
  })

  it('puts in an emoji that is picked, where one was writing', async () => {
    await givenRoom()
    const { page } = alice
    await field().fill('ab')
    await field().press('ArrowLeft')
    await page.getByRole('button', { name: 'Emoji' }).click()
    await page.getByRole('searchbox', { name: 'Find an emoji' }).fill('party')
    await page.getByRole('button', { name: '🥳' }).waitFor()
    await expectAccessible(page)
    await page.getByRole('searchbox', { name: 'Find an emoji' }).fill('whale')
    await page.keyboard.press('Enter')

    expect(await field().inputValue()).toBe('a🐳b')
    expect(await field().evaluate((it) => it === document.activeElement)).toBe(true)
    await field().fill('')
  })

  it('goes through all emoji by arrows', async () => {
    await givenRoom()
    const { page } = alice
    await page.getByRole('button', { name: 'Emoji' }).click()
    await page.getByRole('searchbox', { name: 'Find an emoji' }).press('ArrowDown')
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    expect(await focused()).toBe('👍')

    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    const below = await focused()
    await page.keyboard.press('ArrowUp')
    expect(await focused()).toBe('❤️')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')

    expect(await field().inputValue()).toBe(below)
    await field().fill('')
  })

  it('marks what is selected by keys, and takes the mark away, and back', async () => {
    await givenRoom()
    await field().fill('so be it')
    await field().selectText()

    await field().press('ControlOrMeta+b')
    expect(await field().inputValue()).toBe('**so be it**')
    await field().press('ControlOrMeta+b')
    expect(await field().inputValue()).toBe('so be it')
    await field().press('ControlOrMeta+z')
    expect(await field().inputValue()).toBe('**so be it**')
    await field().fill('code')
    await field().selectText()
    await field().press('ControlOrMeta+e')
    expect(await field().inputValue()).toBe('`code`')
    await field().fill('')
  })

  it('complains of nothing', () => expectNoProblems(alice))
})
