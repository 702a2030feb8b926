import { setInterval } from 'node:timers/promises'
import { createDeliveries, messageText } from '../deliveries.ts'
import { type LoopOptions, loop, percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { type DrawnName, serveDrawn } from './drawn.ts'
import { connectMember, membersOf, type RoomOptions } from './member.ts'

let send: () => Promise<void>

serveParent({
  serve: ({ name, url }: { name: DrawnName; url: string }) => serveDrawn(name, url),
  cpu: usedCpu,
  connect: connectMembers,
  run: (options: LoopOptions) => loop(options, send),
  sendAtRate,
})

async function connectMembers(options: RoomOptions) {
  const { room, listeners } = options
  const [sender = '', ...others] = membersOf(room, listeners)
  const sendingMember = await connectMember(options, sender)
  const deliveries = createDeliveries()
  for (const user of others) {
    const listener = await connectMember(options, user)
    listener.listen(deliveries.record)
    await listener.ready()
  }
  send = async () => {
    const { clientId, delivered } = deliveries.expect(others.length)
    await sendingMember.send({ room: `${room}-${listeners}`, sender, clientId, text: messageText })
    await delivered
  }
  await send()
}

async function sendAtRate({ perSecond, seconds }: { perSecond: number; seconds: number }) {
  const times: Promise<number>[] = []
  for await (const _ of setInterval(1_000 / perSecond)) {
    times.push(timeSend())
    if (times.length >= perSecond * seconds) break
  }
  return percentilesOf(await Promise.all(times))
}

async function timeSend() {
  const started = performance.now()
  await send()
  return performance.now() - started
}
