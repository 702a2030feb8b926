import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = (response: ServerResponse, prompt: string) => void | Promise<void>

/** A server with the protocol of Ollama, whose answers a test chooses. */
export interface FakeOllama extends AsyncDisposable {
  url: string
  /** Prompts in the order of the requests. */
  prompts: string[]
  /** Number of requests that the client has ended before the answer was complete. */
  aborted(): number
  /** Sets the answer to all later requests for a translation. */
  answer(answer: Answer): void
  /** Sets the names in the list of models. */
  models(...names: string[]): void
  /** Closes all connections and refuses new ones, as a killed process does. */
  kill(): Promise<void>
  /** Listens again on the same port. */
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

/** Answers with these pieces, one a line, as Ollama does. */
export function say(...pieces: string[]): Answer {
  return (response) => {
    for (const piece of pieces) writePiece(response, piece)
    response.end(`${JSON.stringify({ response: '', done: true, done_reason: 'stop' })}\n`)
  }
}

/** Answers with pieces, but not before `gate` resolves for each of them. */
export function sayAfter(gate: Promise<unknown>, ...pieces: string[]): Answer {
  return async (response, prompt) => {
    await gate
    await say(...pieces)(response, prompt)
  }
}

export function writePiece(response: ServerResponse, piece: string): void {
  response.write(`${JSON.stringify({ response: piece, done: false })}\n`)
}

/** The text of the message in a prompt, with placeholders. */
export function messageIn(prompt: string): string {
  return /<message>\n(.*)\n<\/message>/s.exec(prompt)?.[1] ?? ''
}
