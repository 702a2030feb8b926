import * as v from 'valibot'
import { type Engine, EngineUnavailableError, fetchFrom, type TranslationJob } from './engine.ts'
import { usePlaceholders } from './placeholders.ts'

const Tags = v.object({ models: v.array(v.object({ name: v.string() })) })
const Line = v.object({
  response: v.optional(v.string(), ''),
  done: v.optional(v.boolean(), false),
  error: v.optional(v.string()),
})

export function createOllama({ url, model }: { url: string; model: string }): Engine {
  const remedy = `ollama pull ${model}`
  const isModel = (name: string) => name === model || name === `${model}:latest`
  return {
    name: 'ollama',
    model,
    isLocal: false,
    async probe(signal) {
      const response = await fetchFrom(`${url}/api/tags`, { signal, remedy: 'ollama serve' })
      const { success, output } = v.safeParse(Tags, await response.json().catch(() => undefined))
      if (!success) throw new EngineUnavailableError(`${url} does not answer like Ollama`)
      if (output.models.some(({ name }) => isModel(name))) return undefined
      throw new EngineUnavailableError(`Ollama has no model ${model}`, { remedy })
    },
    async *translate(job) {
      const { text, restore } = usePlaceholders(job.parts)
      const response = await fetchFrom(`${url}/api/generate`, {
        method: 'POST',
        body: JSON.stringify({
          model,
          prompt: promptFor(text, job),
          stream: true,
          options: { temperature: 0 },
        }),
        signal: job.signal,
      })
      if (!response.ok || !response.body) throw await failureOf(response)
      for await (const line of linesOf(response.body)) {
        const { success, output } = v.safeParse(Line, parse(line))
        if (!success) throw new EngineUnavailableError('Ollama sent an invalid line')
        if (output.error !== undefined)
          throw new EngineUnavailableError(`Ollama failed: ${output.error}`)
        yield restore(output.response, output.done)
        if (output.done) return
      }
      throw new EngineUnavailableError(
        'Ollama ended the answer before the translation was complete',
      )
    },
  }
}

/**
 * The text is enclosed in tags, and the task is repeated after it, because the text may contain
 * instructions to the model.
 */
function promptFor(text: string, { from, to }: TranslationJob): string {
  const names = new Intl.DisplayNames('en', { type: 'language' })
  const task =
    `Translate the message between <message> and </message>${from ? ` from ${names.of(from)}` : ''} ` +
    `into ${names.of(to)}. Keep line breaks, Markdown and marks such as ⟦0⟧ exactly as they are. ` +
    'Output only the translation.'
  return `${task}\n\n<message>\n${text.replaceAll('</message>', '')}\n</message>\n\n${task}`
}

async function failureOf(response: Response): Promise<EngineUnavailableError> {
  const body: unknown = await response.json().catch(() => undefined)
  const { error } = Object(body) as { error?: unknown }
  return new EngineUnavailableError(
    `Ollama answers ${response.status}${typeof error === 'string' ? `: ${error}` : ''}`,
  )
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of body.pipeThrough(
      new TextDecoderStream() as never,
    ) as ReadableStream<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      yield* lines.filter((line) => line.trim() !== '')
    }
  } catch (cause) {
    if (cause instanceof TypeError)
      throw new EngineUnavailableError('The connection to Ollama was lost', { cause })
    throw cause
  }
  if (rest.trim() !== '') yield rest
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
