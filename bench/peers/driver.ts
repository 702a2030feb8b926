import { setInterval } from 'node:timers/promises'
import { createClientId, createDeliveries, messageText } from '../deliveries.ts'
import { type LoopOptions, loop, percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { connectCentrifugo } from './centrifugo.ts'
import { type Client, type Connect, repeats, type Target } from './client.ts'
import { connectNatter } from './natter.ts'
import { connectProsody } from './prosody.ts'
import { connectSynapse } from './synapse.ts'

const protocols: Record<Target['protocol'], Connect> = {
  centrifugo: connectCentrifugo,
  natter: connectNatter,
  prosody: connectProsody,
  synapse: connectSynapse,
}
const connecting = 25

let target: Target
const deliveries = createDeliveries()
/** The clients of each room. The first client of a room sends the messages. */
const clientsOf = new Map<string, Client[]>()

const connect = (user: string) => protocols[target.protocol](target, user)
const userOf = (index: number) => `bench-${index}`

serveParent({
  cpu: usedCpu,
  repeats: () => repeats.count,
  start(options: Target) {
    target = options
  },
  /** Connects `count` users, who all follow the room. */
  async enter({ room, count }: { room: string; count: number }) {
    const clients: Client[] = []
    clientsOf.set(room, clients)
    await inParallel(count, connecting, async (index) => {
      const client = await connect(userOf(index))
      await client.follow(room, onText)
      clients[index] = client
    })
  },
  leave(room: string) {
    for (const client of clientsOf.get(room) ?? []) client.cut()
    clientsOf.delete(room)
  },
  run: ({ room, ...options }: LoopOptions & { room: string }) => loop(options, () => send(room)),
  async sendAtRate({ room, perSecond, count }: { room: string; perSecond: number; count: number }) {
    const times: Promise<{ last: number }>[] = []
    for await (const _ of setInterval(1_000 / perSecond)) {
      times.push(send(room))
      if (times.length >= count) break
    }
    return percentilesOf((await Promise.all(times)).map(({ last }) => last))
  },
  async sendInTurn({ room, count }: { room: string; count: number }) {
    const times: { ack: number; last: number }[] = []
    while (times.length < count) times.push(await send(room))
    return {
      ack: percentilesOf(times.map(({ ack }) => ack)).p50,
      last: percentilesOf(times.map(({ last }) => last)).p50,
    }
  },
  /**
   * Connects `count` users, and then lets them join the room. Returns the milliseconds of the
   * joins, without those of the connections.
   */
  async join({ room, count }: { room: string; count: number }) {
    const clients: Client[] = []
    await inParallel(count, connecting, async (index) => {
      clients[index] = await connect(userOf(index))
    })
    const started = performance.now()
    await inParallel(count, connecting, async (index) => clients[index]?.join?.(room))
    const ms = performance.now() - started
    for (const client of clients) client.cut()
    return ms
  },
  /** Cuts all clients but the sender, and then sends messages, which the cut clients miss. */
  async cut({ room, missed }: { room: string; missed: number }) {
    const [sender, ...others] = clientsOf.get(room) ?? []
    for (const client of others) client.cut()
    for (let sent = 0; sent < missed; sent++) await sender?.send(room, textOf(createClientId()))
  },
  /**
   * Reconnects all clients that `cut` has disconnected, in parallel. Returns the milliseconds until
   * each has received all missed messages.
   */
  async resume({ room, missed }: { room: string; missed: number }) {
    const clients = clientsOf.get(room) ?? []
    const started = performance.now()
    await Promise.all(
      clients.slice(1).map(async (cut, index) => {
        const { promise: isWhole, resolve } = Promise.withResolvers<void>()
        const texts = new Set<string>()
        const client = await connect(userOf(index + 1))
        const onMissed = (text: string) => {
          texts.add(text)
          if (texts.size === missed) resolve()
          onText(text)
        }
        await client.follow(room, onMissed, cut.position())
        await isWhole
        clients[index + 1] = client
      }),
    )
    return performance.now() - started
  },
  async readPages({ room, seconds }: { room: string; seconds: number }) {
    const [client] = clientsOf.get(room) ?? []
    return loop({ depth: 1, seconds }, async () => {
      const length = await client?.readPage(room)
      if (length !== 50) throw new Error(`The history page has ${length} messages instead of 50`)
    })
  },
})

/**
 * Sends a message. Returns the milliseconds until its acknowledgement, and until the last client
 * has received it.
 */
async function send(room: string) {
  const clients = clientsOf.get(room) ?? []
  const { clientId, delivered } = deliveries.expect(clients.length)
  const started = performance.now()
  const elapsed = () => performance.now() - started
  const acknowledged = clients[0]?.send(room, textOf(clientId))
  const [ack, last] = await Promise.all([acknowledged?.then(elapsed), delivered.then(elapsed)])
  return { ack: ack ?? Number.NaN, last }
}

function onText(text: string) {
  deliveries.record(text.slice(0, 36))
}

function textOf(clientId: string) {
  return `${clientId} ${messageText}`
}

async function inParallel(count: number, depth: number, run: (index: number) => Promise<unknown>) {
  let next = 0
  const work = async () => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: depth }, work))
}
