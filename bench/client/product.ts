import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { StackUrls } from '../../stack/state.ts'
import { createPerson } from '../../tests/client/screenshots/people.ts'
import { startStack } from '../../tests/support/stack-process.ts'
import { createFolder } from '../cleanup.ts'
import { launchBrowser, viewport } from './browser.ts'
import { textOf } from './page/messages.ts'

export interface Product extends AsyncDisposable {
  urls: StackUrls
  browser: Browser
  room: string
  oldMessage: string
  logIn(): Promise<Page>
}

const messageCount = 1_200
/** Less than the size of a history page (50), so that at most one page precedes `oldMessage`. */
const oldMessageIndex = 30

export async function startProduct(): Promise<Product> {
  await using started = new AsyncDisposableStack()
  const dir = await createFolder(started)
  started.use(await startStack(dir, { RATE_LIMIT_FACTOR: '1000' }))
  const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  const { room, id } = await writeRoom(urls)
  const browser = await launchBrowser()
  started.defer(() => browser.close())
  const stack = started.move()
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
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function writeRoom(urls: StackUrls): Promise<{ room: string; id: string }> {
  await using alice = await createPerson(urls, 'alice')
  const room = `bench-${crypto.randomUUID().slice(0, 8)}`
  const { client } = alice
  const created = await client.call('room.create', {
    room: room as never,
    name: 'Bench',
    kind: 'public',
  })
  let id = ''
  for (let index = 0; index < messageCount; index++) {
    // Each text begins with the number of the message, because paging.ts identifies a row by its
    // text.
    const sent = await alice.send(room, `**${index}**\n\n${textOf(index)}`)
    if (index === oldMessageIndex) id = sent.id
  }
  const { rooms } = await client.call('room.list', {})
  const seq = rooms.find(({ id }) => id === created.room.id)?.lastSeq ?? 0
  await client.call('read.update', { room: created.room.id, seq })
  return { room, id }
}
