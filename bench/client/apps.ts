import type { Page } from 'playwright-core'
import * as Y from 'yjs'
import type { RoomId } from '../../schema/ids.ts'
import type { AppId } from '../../schema/messages/app.ts'
import { createPerson } from '../../tests/client/screenshots/people.ts'
import type { Figure } from './figures.ts'
import type { Product } from './product.ts'

const strokeCount = 2_000
const pointsPerStroke = 50

export async function measureApps(
  { room, logIn, urls }: Pick<Product, 'room' | 'logIn' | 'urls'>,
  rounds: number,
): Promise<Figure[]> {
  await using alice = await createPerson(urls, 'alice')
  const where = { room: new URL(room).pathname.split('/').at(-1) as RoomId }
  for (const app of ['poll', 'whiteboard'] as AppId[])
    await alice.client.call('apps.install', { ...where, app })
  for (const update of strokesAsUpdates()) {
    const input = { ...where, app: 'whiteboard' as AppId, action: 'push', data: { update } }
    await alice.client.call('app.action', input)
  }
  const page = await logIn()
  await page.goto(room)
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  const poll: number[] = []
  const whiteboard: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const times = [
      await timeOpening(page, 'Poll', 'h1'),
      await timeOpening(page, 'Whiteboard', `.board path:nth-of-type(${strokeCount})`),
    ]
    // Round 0 does not count: the browser has no process for frames yet, and no cached components.
    if (round === 0) continue
    poll.push(times[0] ?? Number.NaN)
    whiteboard.push(times[1] ?? Number.NaN)
  }
  await page.context().close()
  return [
    { name: 'poll', unit: 'ms', values: poll },
    { name: 'whiteboard, 2,000 strokes', unit: 'ms', values: whiteboard, max: 500 },
  ]
}

/** Opens an app. Returns the milliseconds until its frame contains the element `selector`. */
async function timeOpening(page: Page, app: string, selector: string): Promise<number> {
  const button = page.getByRole('button', { name: `Open ${app}` })
  await button.waitFor()
  const startedAt = performance.now()
  await button.evaluate((element: HTMLElement) => element.click())
  await page.frameLocator('.app-frame').locator(selector).waitFor({ state: 'attached' })
  const ms = performance.now() - startedAt
  await page.getByRole('button', { name: 'All apps' }).click()
  return ms
}

function strokesAsUpdates(): string[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const strokes = doc.getMap('strokes')
  for (let index = 0; index < strokeCount; index++) {
    const deltas = Array.from({ length: 2 * pointsPerStroke }, (_, at) => ((at * 7) % 11) - 4)
    const start = [index % 5, 8, (index * 37) % 1_000, (index * 53) % 1_400]
    strokes.set(`${index}`.padStart(6, '0'), Y.Array.from([...start, ...deltas]))
  }
  const perPush = 50
  return Array.from({ length: strokeCount / perPush }, (_, push) => {
    const merged = Y.mergeUpdates(updates.slice(push * perPush, (push + 1) * perPush))
    return Buffer.from(merged).toString('base64')
  })
}
