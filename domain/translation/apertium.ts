import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import type { MessagePart } from '#schema/text/translatable'
import { type Engine, EngineUnavailableError } from './engine.ts'

const remedy = 'apt-get install apertium-eng-spa'
/** Maximum number of open pipelines. Each has about ten processes and needs up to 200 MB. */
const maxPipelines = 4
const idleMs = 5 * 60_000
/** A pipeline that needs longer than this for a sentence is assumed to hang, and is replaced. */
const sentenceTimeoutMs = 10_000
/**
 * This text is appended to each sentence, because Apertium answers only after the end of a
 * sentence. Apertium's own programs append the same characters.
 */
const ending = '.[][\n]'
const unescaped = /[\\[\]{}^$/@<>*]/g

/**
 * Translates with Apertium, sentence by sentence. Each installed language pair has a pipeline of
 * processes. A pipeline stays open for some minutes, because its start takes up to a second.
 */
export function createApertium(modesDir: string): Engine {
  const pipelines = new LRUCache<string, Pipeline>({
    max: maxPipelines,
    ttl: idleMs,
    ttlAutopurge: true,
    updateAgeOnGet: true,
    dispose: (pipeline) => pipeline.close(),
  })

  async function findModes(): Promise<Map<string, string>> {
    const files = await readdir(modesDir).catch(() => [])
    const modes = files.flatMap((file) => {
      const [, from, to] = /^([a-z]{2,3})-([a-z]{2,3})\.mode$/.exec(file) ?? []
      return from && to
        ? [[`${toSubtag(from)}-${toSubtag(to)}`, join(modesDir, file)] as const]
        : []
    })
    return new Map(modes)
  }

  async function pipelineFor(from: string | undefined, to: string): Promise<Pipeline> {
    const pair = `${from}-${to}`
    const open = pipelines.get(pair)
    if (open?.isOpen()) return open
    const mode = (await findModes()).get(pair)
    if (!mode) throw new EngineUnavailableError(`Apertium has no language pair ${pair}`)
    const command = toCommand(await readFile(mode, 'utf8'))
    // Another call may have opened the pipeline meanwhile.
    const opened = pipelines.get(pair)
    if (opened?.isOpen()) return opened
    const pipeline = openPipeline(command)
    pipelines.set(pair, pipeline)
    return pipeline
  }

  return {
    name: 'apertium',
    model: '',
    isLocal: true,
    async probe() {
      const pairs: Record<string, string[]> = {}
      for (const pair of (await findModes()).keys()) {
        const [from = '', to = ''] = pair.split('-')
        pairs[from] = [...(pairs[from] ?? []), to]
      }
      if (Object.keys(pairs).length > 0) return pairs
      throw new EngineUnavailableError(`Apertium has no language pairs in ${modesDir}`, { remedy })
    },
    async *translate({ parts, from, to, signal }) {
      const pipeline = await pipelineFor(from, to)
      for (const { source, before, after } of toSentences(parts)) {
        if (source === '') yield before
        else yield before + toText(await pipeline.translate(source, signal)).trim() + after
      }
    },
  }
}

function toSubtag(code: string): string {
  return Intl.getCanonicalLocales(code)[0] ?? code
}

/**
 * Returns the shell command of a pipeline from `mode`, the content of one of Apertium's mode files.
 * With `-z`, each step reads texts that end with NUL. With `-n`, unknown words are not marked.
 */
function toCommand(mode: string): string {
  return mode
    .trim()
    .split('|')
    .map((step) =>
      step
        .trim()
        .replace(/ \$2(?= |$)/, '')
        .replace('$1', '-n')
        .replace(/^\S+/, '$& -z'),
    )
    .join(' | ')
}

interface Pipeline {
  isOpen(): boolean
  translate(source: string, signal: AbortSignal): Promise<string>
  close(): void
}

/** Starts a pipeline. Its answers come in the order of the texts. */
function openPipeline(command: string): Pipeline {
  const child = spawn('sh', ['-c', command], { detached: true })
  const waiting: PromiseWithResolvers<string>[] = []
  let isOpen = true
  let output = ''
  const fail = (cause?: unknown) => {
    isOpen = false
    const error = new EngineUnavailableError('An Apertium process has ended', { cause })
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  child.on('error', fail)
  child.on('close', () => fail())
  child.stdin.on('error', fail)
  // Unread errors would fill the pipe and block the processes.
  child.stderr.resume()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const texts = (output + chunk).split('\0')
    output = texts.pop() ?? ''
    for (const text of texts) waiting.shift()?.resolve(text)
  })
  unref(child)

  return {
    isOpen: () => isOpen,
    async translate(source, signal) {
      signal.throwIfAborted()
      const answer = Promise.withResolvers<string>()
      // The entry of an aborted text stays in `waiting`, because the pipeline still answers it.
      const onAbort = () => answer.reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      const timer = setTimeout(() => close(child), sentenceTimeoutMs)
      waiting.push(answer)
      child.stdin.write(`${source}${ending}\0`)
      try {
        return await answer.promise
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
    },
    close: () => close(child),
  }
}

/** Lets the runtime exit while a pipeline is open. The processes of the pipeline end when their input closes. */
function unref(child: ChildProcessWithoutNullStreams) {
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr])
    (stream as unknown as { unref?: () => void }).unref?.()
}

function close({ pid }: ChildProcessWithoutNullStreams) {
  try {
    if (pid) process.kill(-pid)
  } catch {
    // The processes have already ended.
  }
}

interface Sentence {
  before: string
  /** The text for Apertium, in its stream format; empty if there is nothing to translate. */
  source: string
  after: string
}

function toSentences(parts: readonly MessagePart[]): Sentence[] {
  const sentences: Sentence[] = []
  let pieces: MessagePart[] = []
  const flush = () => {
    sentences.push(toSentence(pieces))
    pieces = []
  }
  for (const part of parts) {
    if (part.kind === 'text')
      for (const text of part.text.split(/(?<=[.!?…]["')\]]*\s+)/)) {
        pieces.push({ kind: 'text', text })
        if (/[.!?…]["')\]]*\s+$/.test(text)) flush()
      }
    else {
      pieces.push(part)
      if (part.text.includes('\n')) flush()
    }
  }
  flush()
  return sentences
}

/**
 * Encloses every part in brackets, unless its kind is `text`. Apertium does not change the content
 * of brackets.
 */
function toSentence(pieces: readonly MessagePart[]): Sentence {
  const isWord = ({ kind, text }: MessagePart) => kind === 'text' && /\p{L}/u.test(text)
  const [first, last] = [pieces.findIndex(isWord), pieces.findLastIndex(isWord)]
  if (first < 0) return { before: joinTexts(pieces), source: '', after: '' }
  const words = pieces.slice(first, last + 1)
  const whole = words
    .map(({ kind, text }) => (kind === 'text' ? escapeText(text) : `[${escapeText(text)}]`))
    .join('')
  const [, start = '', source = '', end = ''] = /^(\s*)(.*?)(\s*)$/s.exec(whole) ?? []
  return {
    before: joinTexts(pieces.slice(0, first)) + start,
    source,
    after: end + joinTexts(pieces.slice(last + 1)),
  }
}

const joinTexts = (pieces: readonly MessagePart[]) => pieces.map(({ text }) => text).join('')

function escapeText(text: string): string {
  return text.replaceAll('\0', '').replace(unescaped, '\\$&')
}

function toText(output: string): string {
  return output
    .replace(/ ?\.\[\]\[\n\]$/, '')
    .replace(/\\(.)|[[\]]/gs, (_, escaped: string | undefined) => escaped ?? '')
}
