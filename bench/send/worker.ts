/** The processes of the section: the service as drawn, or the people in one room. */
import { setInterval } from 'node:timers/promises'
import { type LoopOptions, loop, percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { type DrawnName, serveDrawn } from './drawn.ts'
import { connectMember, type Meeting, membersOf } from './member.ts'

const text = 'A line about as long as people write, now and then.'

let say: () => Promise<void>

serveParent({
  serve: ({ name, url }: { name: DrawnName; url: string }) => serveDrawn(name, url),
  cpu: usedCpu,
  meet,
  run: (options: LoopOptions) => loop(options, say),
  trickle,
})

async function meet(meeting: Meeting) {
  const { room, listeners } = meeting
  const [sender = '', ...others] = membersOf(room, listeners)
  const speaker = await connectMember(meeting, sender)
  const underWay = new Map<string, { left: number; end: () => void }>()
  for (const user of others) {
    const listener = await connectMember(meeting, user)
    listener.listen((clientId) => {
      const message = underWay.get(clientId)
      if (!message || --message.left > 0) return
      underWay.delete(clientId)
      message.end()
    })
    await listener.ready()
  }
  /** Until it is acknowledged and everybody has read it. */
  say = async () => {
    const clientId = newClientId()
    const read = Promise.withResolvers<void>()
    underWay.set(clientId, { left: others.length, end: read.resolve })
    await speaker.say({ room: `${room}-${listeners}`, sender, clientId, text })
    await read.promise
  }
  await say()
}

/** So many a second, however long each takes; answers with how long, in milliseconds. */
async function trickle({ perSecond, seconds }: { perSecond: number; seconds: number }) {
  const times: Promise<number>[] = []
  for await (const _ of setInterval(1_000 / perSecond)) {
    times.push(timeOne())
    if (times.length >= perSecond * seconds) break
  }
  return percentilesOf(await Promise.all(times))
}

async function timeOne() {
  const started = performance.now()
  await say()
  return performance.now() - started
}

/** A UUIDv7, as a client makes one when its message is written. */
function newClientId() {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
