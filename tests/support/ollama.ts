import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = (response: ServerResponse, prompt: string) => void | Promise<void>

export interface FakeOllama extends AsyncDisposable {
  url: string
  prompts: string[]
  aborted(): number
  answer(answer: Answer): void
  models(...names: string[]): void
  kill(): Promise<void>
  restart(): Promise<void>
}

export async function startFakeOllama(): Promise<FakeOllama> {
  let answerWith: Answer = say('hola')
  let names = ['test-model:latest']
  let aborted = 0
  let port = 0
  let server: Server
  const prompts: string[] = []

  async function listen() {
    server = createServer(async (request, response) => {
      if (request.url === '/api/tags') {
        response.end(JSON.stringify({ models: names.map((name) => ({ name })) }))
        return
      }
      let body = ''
      for await (const chunk of request) body += chunk
      const { prompt } = JSON.parse(body) as { prompt: string }
      prompts.push(prompt)
      response.on('close', () => {
        if (!response.writableFinished) aborted += 1
      })
      await answerWith(response, prompt)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  async function kill() {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  await listen()

  return {
    url: `http://127.0.0.1:${port}`,
    prompts,
    aborted: () => aborted,
    answer(answer) {
      answerWith = answer
    },
    models(...list) {
      names = list
    },
    kill,
    restart: listen,
    [Symbol.asyncDispose]: kill,
  }
}

/** Sends one piece per line, as Ollama does. */
export function say(...pieces: string[]): Answer {
  return (response) => {
    for (const piece of pieces) writePiece(response, piece)
    response.end(`${JSON.stringify({ response: '', done: true, done_reason: 'stop' })}\n`)
  }
}

/** Sends all pieces as soon as `gate` has resolved. */
export function sayAfter(gate: Promise<unknown>, ...pieces: string[]): Answer {
  return async (response, prompt) => {
    await gate
    await say(...pieces)(response, prompt)
  }
}

export function writePiece(response: ServerResponse, piece: string): void {
  response.write(`${JSON.stringify({ response: piece, done: false })}\n`)
}

export function messageIn(prompt: string): string {
  return /<message>\n(.*)\n<\/message>/s.exec(prompt)?.[1] ?? ''
}
