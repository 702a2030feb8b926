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
import { givenClient, givenConnection, givenKept, givenRoom, me } from './given.ts'
import { TanStackList } from './TanStackList.tsx'

/** What the bench asks of the page. */
interface Bench {
  isDrawn: boolean
  /** From when the room had answered until a message was drawn. */
  drawnMs: number
  /** Frames that had no message in the middle of the list, since `watch`. */
  blank: number
  watch(): void
  say(): void
  forgetTasks(): void
  /** The longest that the page has observed; 0 if none was long. */
  longTask(): number
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

const { client, say } = givenClient(count)
const chat = createRoot(() =>
  createChat({
    client,
    connection: givenConnection,
    identity: { user: me, name: 'Alice', roles: ['user'] } as never,
    localStore: givenKept,
  }),
)
const tasks = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
})
let longest = 0
tasks.observe({ type: 'longtask' })

const bench: Bench = {
  isDrawn: false,
  drawnMs: Number.NaN,
  blank: 0,
  watch() {
    // What a frame shows is settled after its callbacks: the next task sees it as it was drawn.
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      if (isBlank()) bench.blank++
      requestAnimationFrame(look)
    }
    const look = () => port2.postMessage(undefined)
    look()
  },
  say,
  forgetTasks() {
    tasks.takeRecords()
    longest = 0
  },
  longTask: () => longest,
}
window.bench = bench

const root = document.querySelector('#app')
if (root) render(() => <Everything />, root)
const started = performance.now()
requestAnimationFrame(lookIfDrawn)

function lookIfDrawn() {
  if (!document.querySelector('.message')) return requestAnimationFrame(lookIfDrawn)
  bench.drawnMs = performance.now() - started
  bench.isDrawn = true
  return 0
}

/** Asks for no element at a point: a list may let none be found while it scrolls. */
function isBlank(): boolean {
  const middle = innerHeight / 2
  return ![...document.querySelectorAll('.list :is(.message, .line)')].some((row) => {
    const { top, bottom } = row.getBoundingClientRect()
    // Between two rows there is a little space.
    return top < middle + 40 && bottom > middle - 40
  })
}

function Everything() {
  const settings = createSettings()
  const language = createLanguage(() => 'en')
  const places = createRoute()
  return (
    <SettingsContext.Provider value={settings}>
      <LanguageContext.Provider value={language}>
        <RouteContext.Provider value={places}>
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
  const conversation = createConversation({ chat, room: givenRoom(count) })
  return (
    <ConversationContext.Provider value={conversation}>
      <div class="room" style={{ height: '100%' }}>
        <main class="room-main">{lists[query.get('list') ?? 'natter']?.()}</main>
      </div>
    </ConversationContext.Provider>
  )
}
