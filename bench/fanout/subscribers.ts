/** The processes of the section: a room full of people, over WebSocket as from browsers. */
import { type NatsConnection, wsconnect } from '@nats-io/nats-core'
import { createRequester, type Requester } from '../../runtime/client/index.ts'
import { percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { bareSubjects, serveBare } from './bare.ts'
import { type RowName, userOf } from './room.ts'

export interface Meeting {
  url: string
  /** In which rooms all of them are. */
  rows: readonly RowName[]
  subscribers: number
}

const connectedAtOnce = 25
const text = 'A line about as long as people write, now and then.'

let sayer: NatsConnection
let requester: Requester
let meeting: Meeting
const hearers: NatsConnection[] = []
/** How many have still to hear a message. */
const underWay = new Map<string, { left: number; end: () => void }>()

serveParent({
  serve: serveBare,
  cpu: usedCpu,
  meet,
  say: async ({ row, count }: { row: RowName; count: number }) => {
    const times: number[] = []
    for (let nth = 0; nth < count; nth++) {
      const started = performance.now()
      await say(row)
      times.push(performance.now() - started)
    }
    return { ...percentilesOf(times), seconds: times.reduce((sum, ms) => sum + ms, 0) / 1_000 }
  },
  /** Reads nothing for so long, as a tab does that is stuck. Answers first. */
  stall(ms: number) {
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms), 10)
  },
})

async function meet(what: Meeting) {
  meeting = what
  sayer = await connect()
  requester = createRequester(sayer)
  while (hearers.length < meeting.subscribers) {
    const missing = Math.min(connectedAtOnce, meeting.subscribers - hearers.length)
    const first = hearers.length
    hearers.push(
      ...(await Promise.all(Array.from({ length: missing }, (_, at) => join(first + at)))),
    )
  }
}

function connect() {
  const { username: user, password: pass, host } = new URL(meeting.url)
  return wsconnect({ servers: `ws://${host}`, user, pass })
}

async function join(at: number): Promise<NatsConnection> {
  const nc = await connect()
  for (const row of meeting.rows)
    nc.subscribe(subjectOf(row, userOf(row, at)), {
      callback(_error, message) {
        const heard = message.json<{ clientId?: string; event?: { clientId: string } }>()
        const clientId = heard.event?.clientId ?? heard.clientId
        if (clientId === undefined) return
        if (row === 'fetched') void fetchIt(nc, clientId)
        else note(clientId)
      },
    })
  await nc.flush()
  return nc
}

/** As drawn: what is told is an id, and each asks for the rest. */
async function fetchIt(nc: NatsConnection, clientId: string) {
  const reply = await nc.request(bareSubjects.get, JSON.stringify({ clientId }), {
    timeout: 30_000,
  })
  note(reply.json<{ clientId: string }>().clientId)
}

function note(clientId: string) {
  const message = underWay.get(clientId)
  if (!message || --message.left > 0) return
  underWay.delete(clientId)
  message.end()
}

/** Until the last of them has it. */
async function say(row: RowName) {
  const clientId = newClientId()
  const heard = Promise.withResolvers<void>()
  underWay.set(clientId, { left: hearers.length, end: heard.resolve })
  const subject =
    row === 'public' || row === 'private'
      ? `deliver.${userOf(row, 0)}.send.${row}`
      : bareSubjects.say(row)
  const payload = JSON.stringify({ clientId, text })
  const reply = await requester.request(subject, payload, { timeoutMs: 30_000 })
  if (reply.headers?.get('Nats-Service-Error-Code')) throw new Error(reply.string())
  await heard.promise
}

/** A room of Natter is called like its row. */
function subjectOf(row: RowName, user: string): string {
  if (row === 'public') return `room.notify.${row}`
  if (row === 'private') return `deliver.${user}.notify.${row}`
  return row === 'each' ? bareSubjects.tellEach(user) : bareSubjects.tell(row)
}

/** A UUIDv7, as a client makes one when its message is written. */
function newClientId() {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
