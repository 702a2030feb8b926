import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOllama } from '#domain/translation/ollama'
import { splitForTranslation } from '#schema/text/translatable'
import { chainAnswer, startRealOllama } from '../../support/real-ollama.ts'

type RealOllama = Awaited<ReturnType<typeof startRealOllama>>

const never = new AbortController().signal

/** These tests run only with NATTER_TEST_OLLAMA=1, because Ollama may have to be built first. */
describe.runIf(process.env.NATTER_TEST_OLLAMA)('a real Ollama', () => {
  let server: RealOllama
  beforeAll(async () => {
    server = await startRealOllama(console.log)
  }, 3_600_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  const create = (model = 'natter-chain') => createOllama({ url: server.url, model })
  const translate = (signal = never, model?: string) => {
    const parts = splitForTranslation('Hello world, this is a test of a live translation.')
    return create(model).translate({ parts, from: 'en', to: 'es', signal })
  }

  it.each(['natter-chain', 'natter-chain:latest'])('has the model %s', async (model) => {
    await expect(create(model).probe(never)).resolves.toBeUndefined()
  })

  it('reports a missing model with the command that adds it', async () => {
    await expect(create('nope').probe(never)).rejects.toMatchObject({ remedy: 'ollama pull nope' })
    await expect(Array.fromAsync(translate(never, 'nope'))).rejects.toThrow(/404.*not found/)
  })

  it('yields the answer token by token', async () => {
    const pieces = (await Array.fromAsync(translate())).filter((piece) => piece !== '')

    expect(pieces.join('').trim()).toBe(chainAnswer)
    expect(pieces).toHaveLength(chainAnswer.split(' ').length)
  })

  it('answers 20 concurrent requests', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => (await Array.fromAsync(translate())).join('').trim()),
    )

    expect(new Set(answers)).toEqual(new Set([chainAnswer]))
  }, 60_000)

  it('stops when the request is aborted, and answers the next request', async () => {
    const aborting = new AbortController()
    const read = async () => {
      for await (const _ of translate(aborting.signal)) aborting.abort(new Error('not needed'))
    }

    await expect(read()).rejects.toThrow('not needed')
    expect((await Array.fromAsync(translate())).join('').trim()).toBe(chainAnswer)
  })

  it('is reported as unavailable after it was stopped, with the command that starts it', async () => {
    await server.process.stop()

    await expect(create().probe(never)).rejects.toMatchObject({ remedy: 'ollama serve' })
    await expect(Array.fromAsync(translate())).rejects.toThrow('does not answer')
  })
})
