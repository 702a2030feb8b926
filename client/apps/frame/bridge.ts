import type {
  AppBridge,
  AppElement,
  AppError,
  AppHello,
  AppProblem,
  MessageFromApp,
  MessageToApp,
} from '#schema/app-bridge'
import css from './frame.css?inline'

/**
 * This module is the part of the bridge between page and app that runs in the app's frame. It runs
 * before the app's own code.
 */
type Callback<Value> = (value: Value) => void

interface Pending {
  resolve: Callback<unknown>
  reject: Callback<Error>
}

let port: MessagePort | undefined
let lastFocused: HTMLElement | undefined
const send = (message: MessageFromApp) => port?.postMessage(JSON.stringify(message))

window.addEventListener('message', connect)
window.addEventListener('hashchange', () => send({ navigated: true }))
// The page does not receive keys that are pressed in a frame. So the bridge forwards Escape and F6,
// with which the user leaves the app.
window.addEventListener(
  'keydown',
  ({ key }) => {
    if (key === 'Escape' || key === 'F6') send({ key })
  },
  { capture: true },
)

document.addEventListener('focusin', ({ target }) => {
  if (target instanceof HTMLElement) lastFocused = target
})

/**
 * Accepts one port, and only from the page: other frames can send messages to this frame as well.
 */
function connect(event: MessageEvent) {
  const [received] = event.ports
  if (event.source !== window.parent || !received) return
  event.stopImmediatePropagation()
  window.removeEventListener('message', connect)
  port = received
  start(JSON.parse(event.data))
}

function start({ app, theme, locale, dir, user, room }: AppHello) {
  const pending = new Map<number, Pending>()
  const onUpdated = new Set<Callback<unknown>>()
  const onLocale = new Set<() => void>()
  let lastId = 0
  let current = locale

  function ask(question: { action: string; data?: unknown } | { names: readonly string[] }) {
    lastId += 1
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    pending.set(lastId, { resolve, reject })
    send({ id: lastId, ...question })
    return promise
  }

  const bridge: AppBridge = {
    user,
    room,
    get locale() {
      return current
    },
    request: (action, data) => ask({ action, data }),
    names: (users) => ask({ names: users }) as Promise<Record<string, string>>,
    onUpdated: (callback) => void onUpdated.add(callback),
    onLocale: (callback) => void onLocale.add(callback),
  }

  function receive(message: MessageToApp) {
    if ('ping' in message) return send({ pong: true })
    if ('focus' in message) return restoreFocus()
    if ('theme' in message) return setTheme(message.theme)
    if ('locale' in message) {
      current = message.locale
      setLocale(message)
      for (const callback of onLocale) callback()
      return
    }
    if ('event' in message) {
      const data = message.event === 'updated' ? message.data : undefined
      for (const callback of onUpdated) callback(data)
      return
    }
    const asked = pending.get(message.id)
    pending.delete(message.id)
    if ('error' in message) asked?.reject(toError(message.error))
    else asked?.resolve(message.value)
  }

  setTheme(theme)
  setLocale({ locale, dir })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets]
  if (port) port.onmessage = ({ data }) => receive(JSON.parse(data))

  const name = `room-app-${app}`
  if (!customElements.get(name)) throw new Error(`The component of the app must define <${name}>`)
  const element = document.createElement(name) as AppElement
  element.setBridge(bridge)
  document.body.append(element)
  send({ ready: true })
}

function restoreFocus() {
  const first = document.querySelector<HTMLElement>('button, input, select, textarea, [tabindex]')
  const target = lastFocused?.isConnected ? lastFocused : first
  target?.focus()
}

function setTheme({ scheme, tokens }: AppHello['theme']) {
  const { style } = document.documentElement
  // If the color schemes of this document and of the iframe element differed, browsers would give the
  // frame an opaque background.
  style.colorScheme = scheme
  for (const [name, value] of Object.entries(tokens)) style.setProperty(name, value)
}

function setLocale({ locale, dir }: Pick<AppHello, 'locale' | 'dir'>) {
  document.documentElement.lang = locale
  document.documentElement.dir = dir
}

function toError({ message, ...rest }: AppProblem): AppError {
  return Object.assign(new Error(message), rest)
}
