import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { StackUrls } from '../../stack/state.ts'
import { createSpeaker } from '../../tests/client/screenshots/people.ts'
import { startStack } from '../../tests/support/stack-process.ts'
import { launchBrowser, viewport } from './browser.ts'
import { textOf } from './page/messages.ts'

/** The whole product, a room in which much has been said, and alice in front of it. */
export interface Product extends AsyncDisposable {
  urls: StackUrls
  browser: Browser
  /** Where the room is. */
  room: string
  /** Where a message of its beginning is. */
  oldMessage: string
  /** A page in which she is logged in. */
  logIn(): Promise<Page>
}

const messages = 1_200
/** Which of them is linked to: there is less than a page before it. */
const oldMessage = 30

export async function startProduct(): Promise<Product> {
  await using made = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-bench-client-'))
  made.defer(() => rm(dir, { recursive: true, force: true }))
  made.use(await startStack(dir, { RATE_LIMIT_FACTOR: '1000' }))
  const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  const { room, id } = await talk(urls)
  const browser = await launchBrowser()
  made.defer(() => browser.close())
  const all = made.move()
  return {
    urls,
    browser,
    room: new URL(`/r/${room}`, urls.web).href,
    oldMessage: new URL(`/r/${room}/m/${id}`, urls.web).href,
    async logIn() {
      const page = await (await browser.newContext({ viewport, locale: 'en-US' })).newPage()
      await page.goto(urls.web)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByLabel('Name', { exact: true }).fill('alice')
      await page.getByLabel('Password').fill('alice123')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
      return page
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Says all kinds of things in a new room, which alice has read. */
async function talk(urls: StackUrls): Promise<{ room: string; id: string }> {
  await using alice = await createSpeaker(urls, 'alice')
  const room = `bench-${crypto.randomUUID().slice(0, 8)}`
  const { client } = alice
  const made = await client.call('room.create', {
    room: room as never,
    name: 'Bench',
    kind: 'public',
  })
  // Numbered, so that each can be told from all others.
  let id = ''
  for (let at = 0; at < messages; at++) {
    const said = await alice.say(room, `**${at}**\n\n${textOf(at)}`)
    if (at === oldMessage) id = said.id
  }
  const { rooms } = await client.call('room.list', {})
  const seq = rooms.find(({ id }) => id === made.room.id)?.lastSeq ?? 0
  await client.call('read.update', { room: made.room.id, seq })
  return { room, id }
}
