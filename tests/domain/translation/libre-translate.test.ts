import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '#domain/translation/engine'
import { createLibreTranslate } from '#domain/translation/libre-translate'
import { splitForTranslation } from '#schema/text/translatable'

const signal = new AbortController().signal
const requests: unknown[] = []
let status = 200
let server: Server
let engine: Engine

beforeAll(async () => {
  server = createServer(async (request, response) => {
    if (request.url === '/languages')
      return response.end('[{"code":"en","name":"English","targets":["de","es"]}]')
    let body = ''
    for await (const chunk of request) body += chunk
    requests.push(JSON.parse(body))
    response.writeHead(status).end('{"translatedText":"Frage ⟦0⟧"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  engine = createLibreTranslate({ url, apiKey: 'secret' })
})
afterAll(() => server.close())

describe('LibreTranslate', () => {
  const job = { parts: splitForTranslation('Ask @bob'), from: undefined, to: 'de', signal }

  it('lists the language pairs', async () => {
    await expect(engine.probe(signal)).resolves.toEqual({ en: ['de', 'es'] })
  })

  it('replaces parts that must not be translated by placeholders, and restores them', async () => {
    await expect(Array.fromAsync(engine.translate(job))).resolves.toEqual(['Frage @bob'])
    expect(requests).toEqual([
      { q: 'Ask ⟦0⟧', source: 'auto', target: 'de', format: 'text', api_key: 'secret' },
    ])
  })

  it('fails if the server responds with an error', async () => {
    status = 500
    await expect(Array.fromAsync(engine.translate(job))).rejects.toThrow('status 500')
  })
})
