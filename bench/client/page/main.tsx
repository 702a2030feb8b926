import '../../../client/theme/tokens.css'
import '../../../client/theme/base.css'
import '../../../client/conversation/room.css'
import '../../../client/ui/icon.css'
import { createRoot, type JSX } from 'solid-js'
import { render } from 'solid-js/web'
import { ChatContext, createChat } from '../../../client/chat/createChat.ts'
import { createLanguage, LanguageContext } from '../../../client/i18n/createLanguage.ts'
import {
  ConversationContext,
  createConversation,
} from '../../../client/messages/createConversation.ts'
import { MessageList } from '../../../client/messages/MessageList.tsx'
import { createUserCard, UserCardContext } from '../../../client/people/createUserCard.ts'
import { createRoute, RouteContext } from '../../../client/routing/createRoute.ts'
import { SettingsContext } from '../../../client/settings/context.ts'
import { createSettings } from '../../../client/settings/createSettings.ts'
import {
  createSimulatedClient,
  me,
  simulatedConnection,
  simulatedLocalStore,
  simulatedRoom,
} from './simulated.ts'
import { TanStackList } from './TanStackList.tsx'

interface Bench {
  isRendered: boolean
  /** Milliseconds until the first message is in the DOM. */
  renderMs: number
  blankFrames: number
  countBlankFrames(): void
  receiveMessage(): void
  resetTasks(): void
  /** Returns the duration of the longest long task, in milliseconds; 0 if there was none. */
  longestTask(): number
}

declare global {
  interface Window {
    bench?: Bench
  }
}

const query = new URLSearchParams(location.search)
const count = Number(query.get('count') ?? 1_000)
const lists: Record<string, () => JSX.Element> = {
  natter: () => <MessageList title="Long" />,
  tanstack: () => <TanStackList />,
  none: () => <p class="message">Nothing</p>,
}

const { client, receiveMessage } = createSimulatedClient(count)
const chat = createRoot(() =>
  createChat({
    client,
    connection: simulatedConnection,
    identity: { user: me, name: 'Alice', roles: ['user'] } as never,
    localStore: simulatedLocalStore,
  }),
)
const tasks = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
})
let longest = 0
tasks.observe({ type: 'longtask' })

const bench: Bench = {
  isRendered: false,
  renderMs: Number.NaN,
  blankFrames: 0,
  countBlankFrames() {
    // Checks once per frame. The check runs in a message event that an animation-frame callback has
    // posted: at that time, the list has moved its rows for this frame.
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      if (isBlank()) bench.blankFrames++
      requestAnimationFrame(check)
    }
    const check = () => port2.postMessage(undefined)
    check()
  },
  receiveMessage,
  resetTasks() {
    tasks.takeRecords()
    longest = 0
  },
  longestTask: () => longest,
}
window.bench = bench

const root = document.querySelector('#app')
if (root) render(() => <Page />, root)
const started = performance.now()
requestAnimationFrame(checkRendered)

function checkRendered() {
  if (!document.querySelector('.message')) return requestAnimationFrame(checkRendered)
  bench.renderMs = performance.now() - started
  bench.isRendered = true
  return 0
}

/**
 * Compares the positions of rows, because `elementFromPoint` finds no row of a list that disables
 * pointer events while it scrolls.
 */
function isBlank(): boolean {
  const middle = innerHeight / 2
  return ![...document.querySelectorAll('.list :is(.message, .line)')].some((row) => {
    const { top, bottom } = row.getBoundingClientRect()
    return top < middle + 40 && bottom > middle - 40
  })
}

function Page() {
  const settings = createSettings()
  const language = createLanguage(() => 'en')
  const route = createRoute()
  return (
    <SettingsContext.Provider value={settings}>
      <LanguageContext.Provider value={language}>
        <RouteContext.Provider value={route}>
          <UserCardContext.Provider value={createUserCard()}>
            <ChatContext.Provider value={chat}>
              <Conversation />
            </ChatContext.Provider>
          </UserCardContext.Provider>
        </RouteContext.Provider>
      </LanguageContext.Provider>
    </SettingsContext.Provider>
  )
}

function Conversation() {
  const conversation = createConversation({ chat, room: simulatedRoom(count) })
  return (
    <ConversationContext.Provider value={conversation}>
      <div class="room" style={{ height: '100%' }}>
        <main class="room-main">{lists[query.get('list') ?? 'natter']?.()}</main>
      </div>
    </ConversationContext.Provider>
  )
}
