import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { output } from '../../stack/install/command.ts'
import { findOllama } from '../../stack/install/ollama.ts'
import { startProcess } from '../../stack/services/process.ts'

/** The answer of the model to every prompt, one token per word. */
export const chainAnswer = 'Hola mundo, esta es una prueba de traducción en vivo'

/** A tiny model with the architecture of llama. Its weights only encode which token comes next. */
const model = join(import.meta.dirname, 'natter-chain.gguf.gz')

export async function startRealOllama(log: (message: string) => void) {
  await using started = new AsyncDisposableStack()
  const binary = await findOllama({ log })
  const dir = await mkdtemp(join(tmpdir(), 'natter-ollama-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const host = `127.0.0.1:${await findFreePort()}`
  const env = { ...process.env, HOME: dir, OLLAMA_HOST: host, OLLAMA_MODELS: join(dir, 'models') }
  const url = `http://${host}`
  const process_ = started.use(
    await startProcess({
      dir,
      name: 'ollama',
      command: () => ({ file: binary, args: ['serve'], env }),
      ready: async (file, from, signal) => {
        await file.line(/Listening on/, { from, signal, within: 30_000 })
        return url
      },
    }),
  )
  await writeFile(join(dir, 'natter-chain.gguf'), gunzipSync(await readFile(model)))
  const modelfile = join(dir, 'Modelfile')
  const lines = [
    `FROM ${join(dir, 'natter-chain.gguf')}`,
    'TEMPLATE "{{ .Prompt }}"',
    'PARAMETER num_ctx 2048',
    'PARAMETER num_thread 2',
  ]
  await writeFile(modelfile, lines.join('\n'))
  await output(binary, ['create', 'natter-chain', '-f', modelfile], { env })
  const running = started.move()
  return { url, process: process_, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
