import './message.css'
import { createComputed, createSignal, on, Show } from 'solid-js'
import { appOfSender } from '#schema/app-sender'
import { isMentioned } from '#schema/text/group-names'
import { useOpenApp } from '../apps/openApp.ts'
import { useChat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import { useUserCard } from '../people/createUserCard.ts'
import { useRoute } from '../routing/createRoute.ts'
import { MessageText } from '../text/MessageText.tsx'
import { toPlainText } from '../text/plain.ts'
import { Icon } from '../ui/Icon.tsx'
import { lazyPart } from '../ui/lazyPart.tsx'
import { useConversation } from './createConversation.ts'
import { MessageActions } from './MessageActions.tsx'
import { Reactions } from './Reactions.tsx'

const ThreadSummary = lazyPart(async () => (await import('./ThreadSummary.tsx')).ThreadSummary)

const MessageTranslation = lazyPart(
  async () => (await import('../translation/MessageTranslation.tsx')).MessageTranslation,
)

const AppBadge = lazyPart(async () => (await import('../apps/AppBadge.tsx')).AppBadge)
const MessageCard = lazyPart(async () => (await import('../apps/MessageCard.tsx')).MessageCard)

const maxAnnouncedLength = 300

export function MessageRow(props: { item: TimelineMessage; isFirst: boolean; isMarked: boolean }) {
  const chat = useChat()
  const { t, textOf, timeOf, tn } = useLanguage()
  const { editing, threadId } = useConversation()
  const { go } = useRoute()
  const name = () => chat.people.name(props.item.sender)
  const namesMe = () => isMentioned(props.item.mentions, chat.me)
  const replyCount = () => (threadId === undefined ? (props.item.replies?.count ?? 0) : 0)
  const openThread = () => go({ room: props.item.room, thread: props.item.id })
  const card = useUserCard()
  const app = () => appOfSender(props.item.sender)
  const openApp = useOpenApp()
  const text = () => textOf(props.item, chat.people.name)
  const showSender = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    const sender = app()
    if (sender) openApp?.(sender)
    else card.show(props.item.sender, currentTarget)
  }
  const sentence = () => {
    const { at, mentions, editedAt, deletedAt, reactions } = props.item
    const plain = deletedAt
      ? t('message.deleted')
      : toPlainText(text(), maxAnnouncedLength, {
          mentions,
          nameOf: chat.people.name,
          handleOf: chat.people.handle,
        })
    const summary = t('message.label', { name: name(), time: timeOf(at), text: plain })
    if (deletedAt) return summary
    return [
      summary,
      ...(editedAt ? [t('message.edited')] : []),
      ...reactions.map(({ emoji, count }) => `${emoji} ${count}`),
      ...(replyCount() > 0 ? [tn('message.replies', replyCount())] : []),
    ].join(', ')
  }
  const [hasFocus, setHasFocus] = createSignal(false)
  // The toolbar is created on the first hover or focus, because most rows never need it.
  const [hasActions, setHasActions] = createSignal(false)
  let article: HTMLElement | undefined
  // Focuses a touched message, because the focus shows the toolbar. Not every browser focuses it by
  // itself.
  const onTouch = ({ target, pointerType }: PointerEvent) => {
    if (pointerType !== 'touch') return
    if (target instanceof Element && target.closest('a, button, input')) return
    article?.focus({ preventScroll: true })
  }
  createComputed(
    on(
      () => props.item.deletedAt,
      (deletedAt) => {
        if (deletedAt && article?.contains(document.activeElement)) article.focus()
      },
      { defer: true },
    ),
  )

  return (
    <article
      ref={(element) => {
        article = element
      }}
      tabIndex={-1}
      onFocusIn={() => {
        setHasFocus(true)
        setHasActions(true)
      }}
      onFocusOut={() => setHasFocus(false)}
      onMouseEnter={() => setHasActions(true)}
      class="message"
      classList={{
        'is-first': props.isFirst,
        'is-marked': props.isMarked,
        'is-edited-now': editing()?.id === props.item.id,
        'names-me': namesMe(),
      }}
      aria-current={props.isMarked ? 'location' : undefined}
      aria-label={sentence()}
      onPointerUp={onTouch}
    >
      <Show
        when={props.isFirst}
        fallback={
          <time class="message-time is-aside" dateTime={props.item.at}>
            {timeOf(props.item.at)}
          </time>
        }
      >
        <button
          type="button"
          class="message-avatar"
          tabIndex={-1}
          aria-hidden="true"
          onClick={showSender}
        >
          <Avatar user={props.item.sender} />
        </button>
      </Show>
      <div class="message-body">
        <Show when={props.isFirst}>
          <header class="message-head">
            <button
              type="button"
              class="message-name"
              tabIndex={-1}
              aria-label={app() ? name() : t('members.profile', { name: name() })}
              onClick={showSender}
            >
              {name()}
            </button>
            <Show when={app()}>
              <AppBadge />
            </Show>
            <time class="message-time" dateTime={props.item.at}>
              {timeOf(props.item.at)}
            </time>
          </header>
        </Show>
        <Show
          when={!props.item.deletedAt}
          fallback={<p class="message-deleted">{t('message.deleted')}</p>}
        >
          <Show
            when={props.item.card && app()}
            fallback={
              <>
                <MessageText
                  text={props.item.text}
                  mentions={props.item.mentions}
                  me={chat.me}
                  names={(user) => chat.people.name(user)}
                  handles={chat.people.handle}
                  onMention={card.show}
                />
                <Show when={props.item.editedAt}>
                  <span class="message-edited">({t('message.edited')})</span>
                </Show>
                <MessageTranslation item={props.item} />
              </>
            }
          >
            {(app) => <MessageCard app={app()} name={name()} text={text()} fallback={text()} />}
          </Show>
          <Reactions item={props.item} />
        </Show>
        <Show when={replyCount() > 0}>
          <button type="button" class="replies" onClick={openThread}>
            <Icon name="thread" />
            {tn('message.replies', replyCount())}
            <ThreadSummary item={props.item} />
          </button>
        </Show>
        <Show when={hasActions() && !props.item.deletedAt}>
          <MessageActions item={props.item} isTabbable={hasFocus()} onThread={openThread} />
        </Show>
      </div>
    </article>
  )
}
