import type { AppHello, AppProblem, MessageFromApp, MessageToApp } from '#schema/app-bridge'
import type { App } from '#schema/messages/app'
import { appDocument } from './appDocument.ts'
import { createFocusGuard } from './createFocusGuard.ts'

const [startMs, pingMs, maxMissedPings] = [5_000, 2_000, 3]
const maxMessageLength = 65_536
const [maxMessagesPerSecond, maxCallsPerSecond, maxPendingCalls] = [200, 30, 16]
/**
 * A second Escape within this time after the first one leaves the app. A single Escape does not,
 * because it may close something in the app.
 */
const escapeMs = 1_000

/**
 * True if the previous frame did not start, or stopped answering. Its process may still hang, and the
 * browser may use this process for the next frame.
 */
let isSuspect = false

/**
 * The reason for the end of a frame. `failed`: it did not start. `stuck`: it did not start, and the frame
 * before it did not answer either, so a reload of the page may help. `hung`: it stopped answering. `focus`:
 * it took the focus from a text field. `violation`: it broke another rule.
 */
export type EndReason = 'failed' | 'stuck' | 'hung' | 'focus' | 'violation'

export interface AppFrameOptions {
  app: App
  hello: () => Omit<AppHello, 'app'>
  onReady: () => void
  onEnd: (reason: EndReason) => void
  /** Called when the user leaves the app with F6 or with Escape, pressed twice. */
  onLeave: () => void
  call: (action: string, data: unknown) => Promise<Answer>
  names: (users: readonly string[]) => Promise<Answer>
  /** Returns the text for an error code. */
  describe: (code: string) => string
}

export type Answer = { value: unknown } | { error: Omit<AppProblem, 'text'> }

/**
 * Runs the component of an app in a sandboxed frame without access to the page or the network, until
 * `dispose` is called or the app breaks a rule. The frame's element must be inserted once and never
 * moved, because a move would load the frame again.
 */
export function createAppFrame(options: AppFrameOptions) {
  const { app, hello } = options
  const frame = document.createElement('iframe')
  frame.title = app.name
  frame.className = 'app-frame'
  frame.referrerPolicy = 'no-referrer'
  // `allow-forms` lets forms raise submit events. The forms are never sent, because the app's
  // document has the policy `form-action 'none'`.
  frame.setAttribute('sandbox', 'allow-scripts allow-forms')
  frame.srcdoc = appDocument(app)
  const { port1: port, port2: appPort } = new MessageChannel()
  const focusGuard = createFocusGuard(frame, () => end('focus'))
  let isLoaded = false
  let isReady = false
  let isOver = false
  let missedPings = 0
  let escapedAt = Number.NEGATIVE_INFINITY
  let pending = 0
  let navigations = 0
  let [messages, calls] = [0, 0]
  const startTimer = setTimeout(() => end(isSuspect ? 'stuck' : 'failed'), startMs)
  const pingTimer = setInterval(ping, pingMs)
  const secondTimer = setInterval(() => {
    messages = 0
    calls = 0
  }, 1_000)

  frame.addEventListener('load', () => {
    // A second load means that the app has navigated its frame.
    if (isLoaded) return end('violation')
    isLoaded = true
    const first: AppHello = { app: app.id, ...hello() }
    frame.contentWindow?.postMessage(JSON.stringify(first), '*', [appPort])
  })
  port.onmessage = ({ data }) => receive(data)
  window.addEventListener('message', rejectMessage)

  /**
   * Ends the app if it sends a message to the page instead of the port. Only frames of apps have the
   * origin `null`.
   */
  function rejectMessage({ origin }: MessageEvent) {
    if (origin === 'null') end('violation')
  }

  function receive(data: unknown) {
    messages += 1
    const message = messages > maxMessagesPerSecond ? undefined : parseMessage(data)
    if (!message) return end('violation')
    missedPings = 0
    if ('ready' in message && !isReady) {
      isReady = true
      isSuspect = false
      clearTimeout(startTimer)
      options.onReady()
    }
    if ('navigated' in message) {
      navigations += 1
      if (navigations > 1) end('violation')
    }
    if ('key' in message) leaveOn(message.key)
    if ('id' in message) void answer(message)
  }

  async function answer(message: Extract<MessageFromApp, { id: number }>) {
    const { id } = message
    calls += 1
    if (pending >= maxPendingCalls || calls > maxCallsPerSecond) {
      const error = { code: 'rate_limited', message: 'Too many calls', retryAfterMs: 1_000 }
      return reply(id, { error })
    }
    pending += 1
    const asked =
      'action' in message
        ? options.call(message.action, message.data)
        : options.names(message.names)
    const answer = await asked
    pending -= 1
    reply(id, answer)
  }

  function reply(id: number, answer: Answer) {
    if ('value' in answer) send({ id, ...answer })
    else send({ id, error: { ...answer.error, text: options.describe(answer.error.code) } })
  }

  function leaveOn(key: 'Escape' | 'F6') {
    const now = performance.now()
    const isSecond = now - escapedAt < escapeMs
    if (key === 'Escape') escapedAt = now
    // `onLeave` moves the focus to the composer. An app can send this message without a pressed
    // key, so it has no effect unless the app has the focus: the app must not take the focus from a
    // menu or dialog of the page.
    if ((key === 'F6' || isSecond) && document.activeElement === frame) options.onLeave()
  }

  function ping() {
    if (!isReady) return
    if (missedPings >= maxMissedPings) return end('hung')
    missedPings += 1
    send({ ping: true })
  }

  function send(message: MessageToApp) {
    if (!isOver) port.postMessage(JSON.stringify(message))
  }

  function end(reason: EndReason) {
    if (isOver) return
    isSuspect = reason === 'failed' || reason === 'stuck' || reason === 'hung'
    dispose()
    options.onEnd(reason)
  }

  function dispose() {
    isOver = true
    port.close()
    focusGuard.dispose()
    window.removeEventListener('message', rejectMessage)
    clearTimeout(startTimer)
    clearInterval(pingTimer)
    clearInterval(secondTimer)
    frame.remove()
  }

  return {
    element: frame,
    focus() {
      focusGuard.focus()
      send({ focus: true })
    },
    send,
    dispose,
  }
}

/** Returns undefined if `data` is not a valid message of an app. */
function parseMessage(data: unknown): MessageFromApp | undefined {
  if (typeof data !== 'string' || data.length > maxMessageLength) return undefined
  try {
    const message = JSON.parse(data)
    return isMessage(Object(message)) ? message : undefined
  } catch {
    return undefined
  }
}

function isMessage({ ready, pong, navigated, key, id, action, names }: Record<string, unknown>) {
  if (id === undefined)
    return ready === true || pong === true || navigated === true || key === 'Escape' || key === 'F6'
  if (!Number.isSafeInteger(id)) return false
  if (action !== undefined) return typeof action === 'string'
  return (
    Array.isArray(names) && names.length <= 100 && names.every((name) => typeof name === 'string')
  )
}
