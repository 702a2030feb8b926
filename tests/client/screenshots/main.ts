// `npm run screenshots [name…]` takes the pictures in docs/screenshots that have the given names, or all of
// them without a name. It takes them in alice's browser, on a new system with demo messages. The name `icons`
// stands for the icons of the installed app.
// Emoji and Arabic text need the fonts in Debian's packages fonts-noto-color-emoji and fonts-noto-core.
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findApertium } from '../../../stack/install/apertium.ts'
import { findChromium } from '../../../stack/install/chromium.ts'
import type { StackUrls } from '../../../stack/state.ts'
import { startStack } from '../../support/stack-process.ts'
import { type People, writeHistory, writeUnread } from './history.ts'
import { drawIcons } from './icons.ts'
import { createPerson, type Name, writeColleagues } from './people.ts'
import { scenes } from './scenes.ts'
import { openPage, type Scene } from './stage.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'docs', 'screenshots')
const names: Name[] = ['alice', 'bob', 'amira', 'jonas', 'li', 'maya', 'tomas']
const maxBytes = 250_000

const requested = process.argv.slice(2)
const selected = Object.entries(scenes).filter(
  ([name]) => requested.length === 0 || requested.includes(name),
)
const hasIcons = requested.length === 0 || requested.includes('icons')
if (selected.length === 0 && !hasIcons) {
  console.error(`No such picture. Available: ${Object.keys(scenes).join(', ')}, icons`)
  process.exit(2)
}

await using resources = new AsyncDisposableStack()
const browser = await chromium.launch({
  executablePath: await findChromium(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
resources.defer(() => browser.close())
if (hasIcons) await drawIcons(browser)
if (selected.length === 0) process.exit()

const dir = await mkdtemp(join(tmpdir(), 'natter-screenshots-'))
resources.defer(() => rm(dir, { recursive: true, force: true }))
await writeColleagues(dir)
console.log('starting the stack')
resources.use(
  await startStack(dir, { RATE_LIMIT_FACTOR: '100', APERTIUM_MODES: await findApertium() }),
)
const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))

const connected: Partial<People> = {}
for (const name of names) connected[name] = resources.use(await createPerson(urls, name))
const people = connected as People
for (const name of ['bob', 'amira', 'jonas', 'maya'] as const) await people[name].goOnline()
await people.jonas.client.call('presence.update', { status: 'away' })
console.log('writing demo messages')
const history = await writeHistory(people)

await markAllRead()
await writeUnread(people)
await mkdir(folder, { recursive: true })
for (const [name, scene] of selected) await take(name, scene)

async function markAllRead() {
  const { client } = people.alice
  const { rooms } = await client.call('room.list', {})
  for (const { id, lastSeq } of rooms) await client.call('read.update', { room: id, seq: lastSeq })
}

async function take(name: string, scene: Scene) {
  await scene.write?.(people)
  const opened = await openPage(browser, urls, scene)
  const { page } = opened
  await scene.show({ ...opened, people, history, urls, stateDir: dir })
  await page.waitForLoadState('networkidle')
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  await page.context().close()
  const { size } = await stat(path)
  console.log(`${name.padEnd(14)} ${Math.round(size / 1_000)} kB`)
  if (size <= maxBytes) return
  console.error(`${path} is larger than ${maxBytes} bytes`)
  process.exitCode = 1
}
