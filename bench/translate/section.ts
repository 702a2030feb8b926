import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { createClient } from '../../runtime/client/index.ts'
import { contracts, topics } from '../../schema/contracts.ts'
import { toNotifyId } from '../../schema/ids.ts'
import type { TranslationPiece } from '../../schema/messages/translate.ts'
import { findApertium } from '../../stack/install/apertium.ts'
import { startFakeOllama, writePiece } from '../../tests/support/ollama.ts'
import { startDatabase } from '../database.ts'
import { type BenchFixture, startFixture } from '../fixture.ts'
import { type Line, median, type Options, type Section } from '../measure.ts'

const functions = join(import.meta.dirname, '..', '..', 'functions')
const repeats = 30
const atOnce = 200

export async function measureTranslations({ rounds }: Options): Promise<Section[]> {
  await using stack = new AsyncDisposableStack()
  const database = await startDatabase(stack, async (sql) => {
    await sql`insert into rooms (id, name, kind) values ('bench', 'Bench', 'public')`
    await sql`insert into members (room, user_id, role) values ('bench', 'ann', 'member')`
  })
  const rules = stack.use(await startFixture())
  const apertium = { APERTIUM_MODES: await findApertium({ log: console.error }), OLLAMA_URL: '' }
  await serve(rules, database, apertium)
  const ofRules = await openClient(rules, stack)
  const model = stack.use(await startFixture())
  const ollama = stack.use(await startFakeOllama())
  const env = { OLLAMA_URL: ollama.url, OLLAMA_MODEL: 'test-model', APERTIUM_MODES: '/nonexistent' }
  await serve(model, database, env)
  await serve(model, database, env)
  const ofModel = await openClient(model, stack)

  await ofRules.translate('The house is big.')
  const rows = { first: [] as number[], cached: [] as number[], piece: [] as number[] }
  const failures = { reported: [] as number[], unavailable: [] as number[], back: [] as number[] }
  const delays = { p50: [] as number[], p99: [] as number[] }
  const runs: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < repeats; index++) {
      const message = await ofRules.send(`The house ${round * repeats + index} is big.`)
      rows.first.push((await ofRules.translate(message)).firstMs)
      rows.cached.push((await ofRules.translate(message)).firstMs)
    }
    for (let index = 0; index < repeats; index++) {
      let writtenAt = 0
      ollama.answer((response) => {
        writtenAt = performance.now()
        writePiece(response, 'La casa')
        response.end('{"done":true}\n')
      })
      const message = await ofModel.send(`The house ${round * repeats + index} is big.`)
      rows.piece.push((await ofModel.translate(message)).firstAt - writtenAt)
    }

    const message = await ofModel.send(`The garden ${round} is big and the house is small.`)
    const before = ollama.prompts.length
    await Promise.all(Array.from({ length: 50 }, () => ofModel.translate(message)))
    runs.push(ollama.prompts.length - before)

    const quiet = await ofRules.timeSends()
    const texts = Array.from(
      { length: atOnce },
      (_, index) => `The house ${round} ${index} is big.`,
    )
    const all = Promise.all(texts.map((text) => ofRules.translate(text)))
    const busy = await ofRules.timeSends()
    await all
    delays.p50.push(busy.p50 / quiet.p50)
    delays.p99.push(busy.p99 / quiet.p99)
  }
  await measureFailure()

  async function measureFailure() {
    ollama.answer((response) => writePiece(response, 'La '))
    const failing = ofModel.translate(await ofModel.send('The engine is dead.'))
    await failing.first
    const killedAt = performance.now()
    await ollama.kill()
    await failing
    failures.reported.push(performance.now() - killedAt)
    await ofModel.waitForPing(false)
    failures.unavailable.push(performance.now() - killedAt)
    await ollama.restart()
    const restartedAt = performance.now()
    await ofModel.waitForPing(true)
    failures.back.push(performance.now() - restartedAt)
  }

  return [
    {
      title: 'Translations',
      lines: [
        limit('Apertium: first sentence', rows.first, 60),
        limit('cached translation', rows.cached, 20),
        limit("piece after the engine's first output", rows.piece, 150),
        limit('engine killed: reported to the caller', failures.reported, 1_000),
        limit('engine killed: translate.ping is false everywhere', failures.unavailable, 2_000),
        limit('engine restarted: translate.ping is true everywhere', failures.back, 31_000),
        {
          ...factor('engine runs for 50 readers of a message', runs, 1),
          value: String(Math.max(...runs)),
          base: '1',
        },
        factor(`send p50 during ${atOnce} translations`, delays.p50, 1.3),
        factor(`send p99 during ${atOnce} translations`, delays.p99, 2),
      ],
    },
  ]
}

function limit(name: string, ms: readonly number[], maxMs: number): Line {
  return {
    name,
    value: `p50 ${median(ms).toFixed(1)} ms`,
    base: `${maxMs} ms`,
    ratios: ms.map((value) => value / maxMs),
    goal: { must: 1, better: 'less' },
  }
}

function factor(name: string, ratios: number[], must: number): Line {
  return { name, value: '', base: 'without', ratios, goal: { must, better: 'less' } }
}

async function serve(fixture: BenchFixture, database: string, env: Record<string, string>) {
  await fixture.serve(functions, {
    ...env,
    DATABASE_URL: database,
    OIDC_ISSUER: 'http://127.0.0.1:1',
    RATE_LIMIT_FACTOR: '100000',
  })
}

type Result = { firstMs: number; firstAt: number }

async function openClient({ url }: BenchFixture, stack: AsyncDisposableStack) {
  const { username, password, host } = new URL(url)
  const nc = await connect({ servers: host, user: username, pass: password })
  stack.defer(() => nc.close())
  const client = createClient(nc, { contracts, user: 'ann' })
  const listeners = new Map<string, (piece: TranslationPiece) => void>()
  client.listen(topics.deliverTranslation, { user: 'ann' }, (piece) =>
    listeners.get(piece.msgKey)?.(piece),
  )
  await nc.flush()
  await client.call('room.join', { room: 'bench' as never })

  async function send(text: string) {
    const clientId = crypto.randomUUID() as never
    return toNotifyId(await client.call('send', { room: 'bench' as never, clientId, text }))
  }
  function translate(source: string): Promise<Result> & { first: Promise<void> } {
    const msgKey = crypto.randomUUID()
    const first = Promise.withResolvers<void>()
    const done = Promise.withResolvers<Result>()
    const startedAt = performance.now()
    let firstAt = 0
    listeners.set(msgKey, (piece) => {
      if (!firstAt) firstAt = performance.now()
      first.resolve()
      if (piece.done) done.resolve({ firstMs: firstAt - startedAt, firstAt })
    })
    const input = source.includes(' ') ? { text: source } : { notifyId: source as never }
    client
      .call('translate.request', { ...input, targetLang: 'es', msgKey } as never)
      .catch(done.reject)
    return Object.assign(done.promise, { first: first.promise })
  }

  return {
    send,
    translate,
    async timeSends() {
      const times: number[] = []
      for (let index = 0; index < 100; index++) {
        const startedAt = performance.now()
        await send(`Message ${index}`)
        times.push(performance.now() - startedAt)
      }
      times.sort((a, b) => a - b)
      return { p50: times[50] ?? 0, p99: times[98] ?? 0 }
    },
    /**
     * Pings until 20 answers in a row are as expected. One of the two runtimes answers a ping, so
     * after 20 pings, both have almost certainly answered.
     */
    async waitForPing(expected: boolean) {
      for (let same = 0; same < 20; ) {
        const { available } = await client.call('translate.ping', {})
        same = available === expected ? same + 1 : 0
        if (same === 0) await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}
