import { setTimeout as delay } from 'node:timers/promises'
import * as Y from 'yjs'
import type { RoomId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { launchRoom, type People } from './history.ts'
import type { Name, Person } from './people.ts'

interface Poll {
  id: string
  room: string
  question: string
  options: string[]
  /** For each person, the index of the option that they vote for. */
  votes: Partial<Record<Name, number>>
  hidden?: boolean
}

const pollApp = 'poll' as AppId
const standupApp = 'standup' as AppId
const whiteboardApp = 'whiteboard' as AppId

/** Creates polls. Idempotent, like the other exported functions of this file. */
export async function givePolls(people: People) {
  await givePoll(people, {
    id: '0197f2c4-6f0e-4a53-8d0b-5d2f0c1f9a01',
    room: 'design',
    question: 'Who should present the new design?',
    options: ['Maya', 'Li', 'All of us, five minutes each'],
    votes: { bob: 2, amira: 2, li: 0 },
    hidden: true,
  })
  await givePoll(people, {
    id: '0197f2c4-6f0e-4a53-8d0b-5d2f0c1f9a02',
    room: 'design',
    question: 'Which empty state do we ship?',
    options: ['The calm one with the kettle', 'The cat', 'Text only'],
    votes: { alice: 0, bob: 1, amira: 0, jonas: 0, li: 0, maya: 1, tomas: 2 },
  })
}

export async function giveArabicPoll(people: People) {
  await givePoll(people, {
    id: '0197f2c4-6f0e-4a53-8d0b-5d2f0c1f9a03',
    room: 'beirut',
    question: 'أين نتغدى يوم الجمعة؟',
    options: ['مطعم البحر', 'في المكتب', 'عند أميرة'],
    votes: { alice: 0, amira: 2, jonas: 0, maya: 0, li: 1 },
  })
}

/** Opens a standup and answers it. Waits up to a minute, because standups open at a full minute. */
export async function giveStandup({ alice, bob, maya }: People) {
  const room = launchRoom as RoomId
  const act = ({ client }: Person, action: string, data: object) =>
    client.call('app.action', { app: standupApp, room, action, data })
  const readOpen = async () => {
    const { open } = (await act(alice, 'state', {})) as { open?: { day: string } }
    return open
  }
  await alice.client.call('apps.install', { room, app: standupApp })
  if (await readOpen()) return
  const days = [1, 2, 3, 4, 5, 6, 7]
  const time = new Date(Date.now() + 60_000).toISOString().slice(11, 16)
  await act(alice, 'configure', { time, timeZone: 'UTC', days, minutes: 60 })
  let open = await readOpen()
  while (!open) {
    await delay(500)
    open = await readOpen()
  }
  const { day } = open
  await act(bob, 'submit', {
    day,
    done: 'Fixed the retry of the importer',
    next: 'Release notes',
    blockers: '',
  })
  await act(maya, 'submit', {
    day,
    done: 'Empty states in all rooms',
    next: 'Icons for the phone',
    blockers: 'Waiting for the store account',
  })
  await act(alice, 'save', {
    day,
    done: 'Went through the list with Tomás, and moved the two risky points to Wednesday.',
    next: 'Book the room for the demo',
    blockers: '',
  })
}

/** Draws a plan on the whiteboard of the room Engineering. */
export async function giveWhiteboard({ alice, bob }: People) {
  const where = { app: whiteboardApp, room: 'engineering' as RoomId }
  await alice.client.call('apps.install', where)
  const board = await bob.client.call('app.action', {
    ...where,
    action: 'pull',
    data: { since: 0 },
  })
  if ((board as { version: number }).version > 0) return
  const doc = new Y.Doc()
  const strokes = doc.getMap('strokes')
  const notes = doc.getMap('notes')
  const draw = (color: number, width: number, ...corners: [number, number][]) => {
    const numbers = toStroke(corners)
    strokes.set(`${strokes.size}`.padStart(3, '0'), Y.Array.from([color, width, ...numbers]))
  }
  const write = (x: number, y: number, text: string) => {
    const note = new Y.Map<number | Y.Text>(Object.entries({ x, y }))
    note.set('text', new Y.Text(text))
    notes.set(`${notes.size}`.padStart(3, '0'), note)
  }
  doc.transact(() => {
    draw(0, 14, [320, 520], [340, 620], [430, 740], [640, 775])
    draw(0, 14, [570, 710], [650, 775], [575, 850])
    draw(1, 10, [110, 1_440], [300, 1_450], [480, 1_436])
    draw(2, 10, ...circle(890, 1_270, 180))
    draw(3, 18, [805, 1_270], [875, 1_350], [1_005, 1_180])
    write(110, 140, 'n1: upgrade first')
    write(700, 620, 'n2, n3: one by one')
    write(110, 1_040, 'Freeze writes? No, nothing was lost in the test.')
  })
  const update = Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64')
  await bob.client.call('app.action', { ...where, action: 'push', data: { update } })
}

/**
 * Converts a line through corners to the format of the whiteboard: the first corner, then the
 * offsets of the following points, each from the point before it.
 */
function toStroke([first = [0, 0], ...corners]: [number, number][]): number[] {
  const steps = 12
  let [x, y] = first
  const numbers = [x, y]
  for (const [toX, toY] of corners) {
    const [dx, dy] = [(toX - x) / steps, (toY - y) / steps]
    for (let step = 0; step < steps; step++) numbers.push(dx, dy)
    x = toX
    y = toY
  }
  return numbers.map(Math.round)
}

function circle(x: number, y: number, radius: number): [number, number][] {
  return Array.from({ length: 26 }, (_, index) => {
    const angle = (index / 25) * 2 * Math.PI
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)]
  })
}

async function givePoll(people: People, { votes, room, hidden = false, ...poll }: Poll) {
  const where = { app: pollApp, room: room as RoomId }
  await people.alice.client.call('apps.install', where)
  const created = { ...poll, multiple: false, anonymous: false, hidden }
  await people.alice.client.call('app.action', { ...where, action: 'create', data: created })
  for (const [name, option] of Object.entries(votes))
    await people[name as Name].client.call('app.action', {
      ...where,
      action: 'vote',
      data: { poll: poll.id, options: [option] },
    })
}
