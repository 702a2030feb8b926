import { connectTo } from '../connect.ts'
import { eventWindow } from '../functions/_contracts.ts'
import { type LoopOptions, loop } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { connectLean } from './lean.ts'
import { type Call, payload } from './peer.ts'
import { connectNatter, natterSubject } from './peers/natter.ts'
import { rawSubject } from './peers/raw.ts'

/** Imported on demand, so that a process loads only the library that it measures. */
const peers = {
  raw: async () => (await import('./peers/raw.ts')).raw,
  services: async () => (await import('./peers/services.ts')).services,
  moleculer: async () => (await import('./peers/moleculer.ts')).moleculer,
  nest: async () => (await import('./peers/nest.ts')).nest,
  natsMicro: async () => (await import('./peers/nats-micro.ts')).natsMicro,
}
export type PeerName = keyof typeof peers

const callers = {
  rawLean: (url: string) => connectLean(url, rawSubject),
  natter: connectNatter,
  natterLean: (url: string) => connectLean(url, natterSubject),
  natterInvalid: async (url: string): Promise<Call> => {
    const call = await connectLean(url, natterSubject)
    return () => call({ id: 'none', text: payload.text } as never)
  },
}
export type CallerName = keyof typeof callers | PeerName

const [, , url = ''] = process.argv
let call: Call

serveParent({
  async respond(peer: PeerName) {
    await (await peers[peer]()).respond(url)
  },
  cpu: usedCpu,
  async connect(caller: CallerName) {
    call = await (isPeer(caller) ? (await peers[caller]()).connect(url) : callers[caller](url))
    await call(payload)
  },
  run: (options: LoopOptions) => loop(options, () => call(payload)),
  publishEvents,
})

function isPeer(name: CallerName): name is PeerName {
  return Object.hasOwn(peers, name)
}

/** Publishes events in windows of `eventWindow` each. Two windows are always in flight. */
async function publishEvents({ prefix, seconds }: { prefix: string; seconds: number }) {
  const nc = await connectTo(url, 'publisher')
  const publishWindow = () => {
    for (let count = 0; count < eventWindow; count++)
      nc.publish(`${prefix}.event`, JSON.stringify(payload))
  }
  const ended = Promise.withResolvers<void>()
  const started = performance.now()
  let windows = 0
  let inFlight = 2
  nc.subscribe(`${prefix}.received`, {
    callback() {
      windows++
      if (performance.now() - started < seconds * 1_000) publishWindow()
      else if (--inFlight === 0) ended.resolve()
    },
  })
  await nc.flush()
  publishWindow()
  publishWindow()
  await ended.promise
  const duration = performance.now() - started
  await nc.close()
  return { count: windows * eventWindow, seconds: duration / 1_000 }
}
