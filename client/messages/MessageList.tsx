import './messageList.css'
import { createEffect, createMemo, Match, Show, Switch } from 'solid-js'
import { VList } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { toPlainText } from '../text/plain.ts'
import { lazyPart } from '../ui/lazyPart.tsx'
import { useConversation } from './createConversation.ts'
import { createLinkedMessage } from './createLinkedMessage.ts'
import { createScrollAnchor } from './createScrollAnchor.ts'
import { LoadingState, OlderMessages, RoomStart } from './ListStates.tsx'
import { Row } from './Row.tsx'

const JumpButtons = lazyPart(async () => (await import('./JumpButtons.tsx')).JumpButtons)

/**
 * Rows this far outside the visible part are rendered. Otherwise, a fast scroll would show blank
 * frames.
 */
const overscanPx = 600
const maxAnnouncedLength = 300

export function MessageList(props: { title: string }) {
  const chat = useChat()
  const { t, timeOf, textOf } = useLanguage()
  const conversation = useConversation()
  const { rows, timeline } = conversation
  const linked = createLinkedMessage(chat, conversation)
  // The list renders keys instead of row objects. A changed message has a new object but the same
  // key, so its row keeps its DOM elements and the focus.
  const keys = createMemo(() => rows().map(({ key }) => key))
  const hasList = createMemo(
    () => timeline.status() === 'ready' || (timeline.status() !== 'forbidden' && keys().length > 0),
  )
  const scroll = createScrollAnchor(linked)

  /** Names the linked message to screen readers: they cannot present its highlight. */
  const linkedSentence = () => {
    const marked = linked.marked()
    const item = marked && timeline.items().find(({ id }) => id === marked)
    if (!item) return ''
    return t('message.label', {
      name: chat.people.name(item.sender),
      time: timeOf(item.at),
      text: toPlainText(textOf(item, chat.people.name), maxAnnouncedLength, {
        mentions: item.mentions,
        nameOf: chat.people.name,
        handleOf: chat.people.handle,
      }),
    })
  }

  function moveFocus(step: -1 | 1, log: HTMLElement) {
    const articles = [...log.querySelectorAll<HTMLElement>('article')]
    const index = articles.findIndex((article) => article.contains(document.activeElement))
    const next = index < 0 ? articles.at(-1) : articles[index + step]
    next?.focus()
    return next !== undefined
  }

  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.defaultPrevented) return
    const { currentTarget: log, key } = event
    if (key === 'Escape') {
      void scroll.goToPresent()
      log.closest('.room-main, .panel')?.querySelector<HTMLElement>('textarea')?.focus()
    }
    const step = { ArrowUp: -1, ArrowDown: 1 } as const
    if ((key === 'ArrowUp' || key === 'ArrowDown') && moveFocus(step[key], log))
      event.preventDefault()
  }

  return (
    <div
      class="list-place"
      ref={(element) => {
        createEffect(() => hasList() && scroll.observeSize(element))
      }}
    >
      <Switch>
        <Match when={hasList()}>
          <VList
            ref={scroll.setList}
            class="list"
            bufferSize={overscanPx}
            style={{ display: 'flex', 'flex-direction': 'column' }}
            role="log"
            aria-label={t('message.history', { room: props.title })}
            aria-live="off"
            tabIndex={0}
            data={keys()}
            shift={scroll.isPrepended()}
            onScroll={scroll.onScroll}
            onKeyDown={onKey}
          >
            {(key, index) => <Row key={key} row={rows()[index()]} marked={linked.marked()} />}
          </VList>
          <Show when={rows().length === 0}>
            <RoomStart />
          </Show>
          <OlderMessages />
          <JumpButtons
            isUnreadAbove={scroll.isUnreadAbove()}
            onUnread={() => void scroll.goToUnread()}
            isEndBelow={!scroll.isAtEnd() || timeline.hasNewer()}
            newBelow={scroll.newBelow()}
            onEnd={() => void scroll.goToPresent()}
            isMissing={linked.isMissing()}
            onDismiss={linked.dismiss}
          />
          <p class="visually-hidden" role="status">
            {linkedSentence()}
          </p>
        </Match>
        <Match when={timeline.status() === 'loading'}>
          <LoadingState />
        </Match>
        <Match when={timeline.status() === 'forbidden'}>
          <p class="list-status">{t('room.forbidden')}</p>
        </Match>
      </Switch>
      <Show when={timeline.status() === 'failed'}>
        <p class="list-status" role="alert">
          {t('room.failed')}
          <button type="button" class="button" onClick={() => void timeline.retry()}>
            {t('login.retry')}
          </button>
        </p>
      </Show>
    </div>
  )
}
