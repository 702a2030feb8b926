import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { findFirefox } from '../../stack/install/firefox.ts'
import { findWebKitDriver, findXvfb } from '../../stack/install/webkit.ts'
import { freePort } from '../../stack/ports.ts'
import { type ProcessOptions, startProcess } from '../../stack/services/process.ts'

/**
 * Firefox or WebKitGTK, driven by WebDriver. Playwright is not used: it needs its own builds of
 * these browsers, which no package registry has.
 */
export interface DrivenBrowser extends AsyncDisposable {
  open(url: string): Promise<void>
  /**
   * Runs `script` in the page. The function must not use variables from outside of its own body.
   * Its argument and its result must be JSON values.
   */
  run<Result, Argument = undefined>(
    script: (argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Result>
  /**
   * Like `run`, but runs the function in the frame of the page. The page must have only one frame.
   */
  runInFrame: DrivenBrowser['run']
  /** Presses keys, given as characters or as names such as `Enter` or `Control+b`. */
  press(...keys: string[]): Promise<void>
  /** Opens a tab. Later calls apply to the new tab, until `useTab` is called with another id. */
  openTab(): Promise<{ opened: string; before: string }>
  useTab(id: string): Promise<void>
}

interface Driver extends AsyncDisposable {
  open(url: string): Promise<unknown>
  /** Calls a function, given as source text, with one string. Returns its result, also a string. */
  call(source: string, argument: string, target: 'page' | 'frame'): Promise<string>
  tabs: Pick<DrivenBrowser, 'openTab' | 'useTab'>
  perform(actions: KeyActions[]): Promise<unknown>
}

interface KeyActions {
  type: 'key'
  id: string
  actions: { type: 'keyDown' | 'keyUp'; value: string }[]
}

const keyCharacters: Record<string, string> = {
  Tab: '\ue004',
  Enter: '\ue007',
  Shift: '\ue008',
  Control: '\ue009',
  Escape: '\ue00c',
  ArrowLeft: '\ue012',
  ArrowUp: '\ue013',
  ArrowRight: '\ue014',
  ArrowDown: '\ue015',
}

type BrowserName = 'Firefox' | 'WebKitGTK'

/**
 * Returns whether the browser is available. In CI, throws if it is not available, so that no test
 * is skipped.
 */
export async function canDrive(name: BrowserName): Promise<boolean> {
  const finders = name === 'Firefox' ? [findFirefox] : [findWebKitDriver, findXvfb]
  try {
    for (const find of finders) await find()
    return true
  } catch (error) {
    if (process.env.CI) throw error
    return false
  }
}

/** Starts the browser, and installs it first if necessary. */
export async function startDrivenBrowser(name: BrowserName): Promise<DrivenBrowser> {
  const driver = await (name === 'Firefox' ? startFirefox() : startWebKit())
  const runIn =
    (target: 'page' | 'frame'): DrivenBrowser['run'] =>
    async (script, argument) => {
      const source = `(text) => JSON.stringify((${script})(JSON.parse(text)) ?? null)`
      return JSON.parse(await driver.call(source, JSON.stringify(argument ?? null), target))
    }
  return {
    ...driver.tabs,
    open: async (url) => void (await driver.open(url)),
    run: runIn('page'),
    runInFrame: runIn('frame'),
    async press(...keys) {
      const actions = keys.flatMap((key) => {
        const chord = key.length === 1 ? [key] : key.split('+')
        const values = chord.map((part) => keyCharacters[part] ?? part)
        return [
          ...values.map((value) => ({ type: 'keyDown', value }) as const),
          ...values.toReversed().map((value) => ({ type: 'keyUp', value }) as const),
        ]
      })
      await driver.perform([{ type: 'key', id: 'keyboard', actions }])
    },
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

async function startFirefox(): Promise<Driver> {
  await using resources = new AsyncDisposableStack()
  const dir = await createFolder(resources)
  const file = await findFirefox()
  const args = ['--headless', '--no-remote', '--profile', dir, '--remote-debugging-port', '0']
  const firefox = resources.use(
    await start(dir, 'firefox', { file, args }, /WebDriver BiDi listening on (\S+)/),
  )
  const { send, close } = await connectBidi(`${firefox.url}/session`)
  resources.defer(close)
  await send('session.new', { capabilities: {} })
  const { contexts } = await send('browsingContext.getTree', {})
  let context: string = contexts[0].context
  const findFrame = async () => {
    const { contexts } = await send('browsingContext.getTree', { root: context })
    return contexts[0].children[0].context
  }
  const owned = resources.move()
  return {
    open: (url) => send('browsingContext.navigate', { context, url, wait: 'complete' }),
    tabs: {
      async openTab() {
        const before = context
        context = (await send('browsingContext.create', { type: 'tab' })).context
        return { opened: context, before }
      },
      async useTab(id) {
        context = id
      },
    },
    async call(functionDeclaration, value, target) {
      const answer = await send('script.callFunction', {
        functionDeclaration,
        arguments: [{ type: 'string', value }],
        target: { context: target === 'page' ? context : await findFrame() },
        awaitPromise: false,
      })
      if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text)
      return answer.result.value
    },
    perform: (actions) => send('input.performActions', { context, actions }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function connectBidi(url: string) {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (answer: BidiAnswer) => void>()
  socket.addEventListener('message', ({ data }) => {
    const answer: BidiAnswer = JSON.parse(data)
    waiting.get(answer.id)?.(answer)
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`${url} cannot be reached`)))
  })
  let lastId = 0
  return {
    // biome-ignore lint/suspicious/noExplicitAny: each command has its own result
    async send(method: string, params: object): Promise<any> {
      lastId += 1
      const { promise, resolve } = Promise.withResolvers<BidiAnswer>()
      waiting.set(lastId, resolve)
      socket.send(JSON.stringify({ id: lastId, method, params }))
      const { result, error, message } = await promise
      if (error) throw new Error(`${method}: ${error}: ${message}`)
      return result
    },
    close: () => socket.close(),
  }
}

interface BidiAnswer {
  id: number
  result?: unknown
  error?: string
  message?: string
}

/**
 * Starts the test browser of WebKitGTK in an X server without a screen. Uses classic WebDriver, not
 * WebDriver BiDi.
 */
async function startWebKit(): Promise<Driver> {
  await using resources = new AsyncDisposableStack()
  const dir = await createFolder(resources)
  const screen = ['-displayfd', '1', '-screen', '0', '1280x900x24', '-nolisten', 'tcp']
  const xvfb = resources.use(
    await start(dir, 'xvfb', { file: await findXvfb(), args: screen }, /^(\d+)$/),
  )
  const port = await freePort()
  const command = { file: await findWebKitDriver(), args: [`--port=${port}`] }
  const env = { DISPLAY: `:${xvfb.url}`, LANGUAGE: 'en', HOME: dir }
  resources.use(await start(dir, 'webkit', command, undefined, env))

  const send = async (method: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const { value } = (await response.json()) as { value: Record<string, string> }
    if (!response.ok) throw new Error(`${path}: ${value.error}: ${value.message}`)
    return value
  }
  await vi.waitUntil(() => send('GET', '/status').catch(() => false), { timeout: 30_000 })
  const { sessionId } = await send('POST', '/session', { capabilities: { alwaysMatch: {} } })
  const session = `/session/${sessionId}`
  resources.defer(async () => void (await send('DELETE', session)))
  const owned = resources.move()
  return {
    open: (url) => send('POST', `${session}/url`, { url }),
    tabs: {
      async openTab() {
        const before = String(await send('GET', `${session}/window`))
        const { handle: opened = '' } = await send('POST', `${session}/window/new`, { type: 'tab' })
        await send('POST', `${session}/window`, { handle: opened })
        return { opened, before }
      },
      useTab: async (handle) => void (await send('POST', `${session}/window`, { handle })),
    },
    async call(source, argument, target) {
      const script = `return (${source})(arguments[0])`
      if (target === 'frame') await send('POST', `${session}/frame`, { id: 0 })
      const answer = await send('POST', `${session}/execute/sync`, { script, args: [argument] })
      if (target === 'frame') await send('POST', `${session}/frame`, { id: null })
      return String(answer)
    },
    perform: (actions) => send('POST', `${session}/actions`, { actions }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function createFolder(resources: AsyncDisposableStack): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'natter-browser-'))
  resources.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  return dir
}

/**
 * Starts a process. The first group of `pattern` matches the URL or display that the process
 * prints.
 */
function start(
  dir: string,
  name: string,
  command: { file: string; args: string[] },
  pattern?: RegExp,
  env?: NodeJS.ProcessEnv,
) {
  const ready: ProcessOptions['ready'] = async (log, from, signal) => {
    if (!pattern) return ''
    const line = await log.line(pattern, { from, signal, within: 60_000 })
    return pattern.exec(line)?.[1] ?? ''
  }
  return startProcess({
    dir,
    name,
    command: () => ({ ...command, env: { ...process.env, ...env } }),
    ready,
  })
}
