/** The processes of the section: one that answers, or one that calls. */
import { connectTo } from '../connect.ts'
import { notesAtOnce } from '../functions/_contracts.ts'
import { type LoopOptions, loop } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { connectLean } from './lean.ts'
import { type Call, note } from './peer.ts'
import { connectNatter, natterSubject } from './peers/natter.ts'
import { rawSubject } from './peers/raw.ts'

/** Loaded when needed: each process has but one of them in it. */
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
  /** Its notes lack a field, and have a wrong one. */
  natterRefused: async (url: string): Promise<Call> => {
    const call = await connectLean(url, natterSubject)
    return () => call({ id: 'none', text: note.text } as never)
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
    await call(note)
  },
  run: (options: LoopOptions) => loop(options, () => call(note)),
  pour,
})

function isPeer(name: CallerName): name is PeerName {
  return Object.hasOwn(peers, name)
}

/** Publishes events as fast as they are heard, two windows of them under way. */
async function pour({ prefix, seconds }: { prefix: string; seconds: number }) {
  const nc = await connectTo(url, 'pouring')
  const pourWindow = () => {
    for (let count = 0; count < notesAtOnce; count++)
      nc.publish(`${prefix}.poured`, JSON.stringify(note))
  }
  const ended = Promise.withResolvers<void>()
  const started = performance.now()
  let windows = 0
  let left = 2
  nc.subscribe(`${prefix}.heard`, {
    callback() {
      windows++
      if (performance.now() - started < seconds * 1_000) pourWindow()
      else if (--left === 0) ended.resolve()
    },
  })
  await nc.flush()
  pourWindow()
  pourWindow()
  await ended.promise
  const took = performance.now() - started
  await nc.close()
  return { count: windows * notesAtOnce, seconds: took / 1_000 }
}
