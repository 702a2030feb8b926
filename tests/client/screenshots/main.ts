// `npm run screenshots`: what the chat looks like, as pictures in docs/screenshots. Starts the whole
// product with nothing in it, lets people talk, and looks over alice's shoulder. A machine without
// emoji or Arabic needs fonts for the pictures: fonts-noto-color-emoji and fonts-noto-core with apt.
// With names of pictures as arguments, only those are made; `icons` are those of the installed app.
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findChromium } from '../../../stack/install/chromium.ts'
import type { StackUrls } from '../../../stack/state.ts'
import { startStack } from '../../support/stack-process.ts'
import { drawIcons } from './icons.ts'
import { createSpeaker, type Name, writeColleagues } from './people.ts'
import { scenes } from './scenes.ts'
import { openPage, type Scene } from './stage.ts'
import { type Speakers, talk, talkOn } from './talk.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'docs', 'screenshots')
const names: Name[] = ['alice', 'bob', 'amira', 'jonas', 'li', 'maya', 'tomas']
const mostBytes = 250_000

const wanted = process.argv.slice(2)
const chosen = Object.entries(scenes).filter(
  ([name]) => wanted.length === 0 || wanted.includes(name),
)
const hasIcons = wanted.length === 0 || wanted.includes('icons')
if (chosen.length === 0 && !hasIcons) {
  console.error(`There are these pictures: ${Object.keys(scenes).join(', ')}, icons`)
  process.exit(2)
}

await using made = new AsyncDisposableStack()
const browser = await chromium.launch({
  executablePath: await findChromium(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
made.defer(() => browser.close())
if (hasIcons) await drawIcons(browser)
if (chosen.length === 0) process.exit()

const dir = await mkdtemp(join(tmpdir(), 'natter-screenshots-'))
made.defer(() => rm(dir, { recursive: true, force: true }))
await writeColleagues(dir)
console.log('Starting everything …')
made.use(await startStack(dir, { RATE_LIMIT_FACTOR: '100' }))
const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))

const people: Partial<Speakers> = {}
for (const name of names) people[name] = made.use(await createSpeaker(urls, name))
const speakers = people as Speakers
for (const name of ['bob', 'amira', 'jonas', 'maya'] as const) await speakers[name].come()
await speakers.jonas.client.call('presence.update', { status: 'away' })
console.log('People talk …')
const said = await talk(speakers)

await readAll()
await talkOn(speakers)
await mkdir(folder, { recursive: true })
for (const [name, scene] of chosen) await take(name, scene)

/** What has been said so far alice has read, but for what comes after. */
async function readAll() {
  const { client } = speakers.alice
  const { rooms } = await client.call('room.list', {})
  for (const { id, lastSeq } of rooms) await client.call('read.update', { room: id, seq: lastSeq })
}

async function take(name: string, scene: Scene) {
  const opened = await openPage(browser, urls, scene)
  const { page } = opened
  await scene.show({ ...opened, speakers, said, urls, stateDir: dir })
  // Once what moves has come to rest, and what is loaded is there.
  await page.waitForLoadState('networkidle')
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  await page.context().close()
  const { size } = await stat(path)
  console.log(`${name.padEnd(14)} ${Math.round(size / 1_000)} kB`)
  if (size <= mostBytes) return
  console.error(`${path} is larger than ${mostBytes} bytes`)
  process.exitCode = 1
}
