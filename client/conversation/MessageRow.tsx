import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { Popover } from '@kobalte/core/popover'
import { createSignal, For, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import type { Item } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../shell/Avatar.tsx'
import { useCopy } from '../shell/createCopy.ts'
import { linkTo, usePlace } from '../shell/createPlace.ts'
import { Icon } from '../shell/Icon.tsx'
import { MessageText } from '../text/MessageText.tsx'
import { useConversation } from './createConversation.ts'

const offered = ['👍', '❤️', '😄', '🎉', '🙏', '👀', '✅', '😮', '😢', '🔥', '💯', '👎']

/** One message, who said it, and what can be done with it. */
export function MessageRow(props: { item: Item; isFirst: boolean; isMarked: boolean }) {
  const chat = useChat()
  const { t, timeOf, tn } = useLanguage()
  const { editing, threadId } = useConversation()
  const { go } = usePlace()
  const name = () => chat.people.name(props.item.sender)
  const namesMe = () => props.item.mentions.includes(chat.me)
  const openThread = () => go({ room: props.item.room, thread: props.item.id })

  return (
    <article
      class="message"
      classList={{
        'is-first': props.isFirst,
        'is-marked': props.isMarked,
        'is-edited-now': editing()?.id === props.item.id,
        'names-me': namesMe(),
      }}
      aria-current={props.isMarked ? 'location' : undefined}
      aria-label={t('message.sentence', {
        name: name(),
        time: timeOf(props.item.at),
        text: props.item.deletedAt ? t('message.deleted') : props.item.text,
      })}
    >
      <Show
        when={props.isFirst}
        fallback={
          <time class="message-time is-aside" dateTime={props.item.at}>
            {timeOf(props.item.at)}
          </time>
        }
      >
        <Avatar user={props.item.sender} />
      </Show>
      <div class="message-body">
        <Show when={props.isFirst}>
          <header class="message-head">
            <span class="message-name">{name()}</span>
            <time class="message-time" dateTime={props.item.at}>
              {timeOf(props.item.at)}
            </time>
          </header>
        </Show>
        <Show
          when={!props.item.deletedAt}
          fallback={<p class="message-deleted">{t('message.deleted')}</p>}
        >
          <MessageText
            text={props.item.text}
            mentions={props.item.mentions}
            me={chat.me}
            names={(user) => chat.people.name(user)}
          />
          <Show when={props.item.editedAt}>
            <span class="message-edited">({t('message.edited')})</span>
          </Show>
          <Reactions item={props.item} />
          <Show when={threadId === undefined && props.item.replies}>
            {(replies) => (
              <button type="button" class="replies" onClick={openThread}>
                <Icon name="thread" />
                {tn('message.replies', replies().count)}
              </button>
            )}
          </Show>
          <Actions item={props.item} onThread={openThread} />
        </Show>
      </div>
    </article>
  )
}

function Reactions(props: { item: Item }) {
  const chat = useChat()
  const { t, listOf } = useLanguage()
  const { react } = useConversation()
  return (
    <Show when={props.item.reactions.length > 0}>
      <ul class="reactions">
        <For each={props.item.reactions}>
          {({ emoji, count, users }) => {
            const names = () => listOf(users.map((user) => chat.people.name(user)))
            return (
              <li>
                <button
                  type="button"
                  class="reaction"
                  aria-pressed={users.includes(chat.me)}
                  aria-label={t('message.reactedBy', { emoji, names: names() })}
                  title={names()}
                  onClick={() => void react(props.item, emoji)}
                >
                  <span>{emoji}</span> {count}
                </button>
              </li>
            )
          }}
        </For>
      </ul>
    </Show>
  )
}

function Actions(props: { item: Item; onThread: () => void }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { copy } = useCopy()
  const { react, setEditing, remove, markUnread, threadId, room } = useConversation()
  const [isPicking, setPicking] = createSignal(false)
  const [isOpen, setOpen] = createSignal(false)
  const isMine = () => props.item.sender === chat.me
  const mayDelete = () => isMine() || room.role === 'owner' || room.role === 'moderator'
  const link = () => linkTo({ room: props.item.room, message: props.item.id })

  return (
    <div
      class="actions"
      classList={{ 'is-open': isPicking() || isOpen() }}
      role="toolbar"
      aria-label={t('message.actions')}
    >
      <Popover open={isPicking()} onOpenChange={setPicking} placement="top-end">
        <Popover.Trigger
          class="icon-button"
          aria-label={t('message.react')}
          title={t('message.react')}
        >
          <Icon name="smile" />
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content class="menu emoji-menu" aria-label={t('message.react')}>
            <For each={offered}>
              {(emoji) => (
                <button
                  type="button"
                  class="emoji"
                  onClick={() => {
                    setPicking(false)
                    void react(props.item, emoji)
                  }}
                >
                  {emoji}
                </button>
              )}
            </For>
          </Popover.Content>
        </Popover.Portal>
      </Popover>
      <Show when={threadId === undefined}>
        <button
          type="button"
          class="icon-button"
          aria-label={t('message.reply')}
          title={t('message.reply')}
          onClick={props.onThread}
        >
          <Icon name="thread" />
        </button>
      </Show>
      <DropdownMenu open={isOpen()} onOpenChange={setOpen} placement="bottom-end" modal={false}>
        <DropdownMenu.Trigger
          class="icon-button"
          aria-label={t('message.more')}
          title={t('message.more')}
        >
          <Icon name="more" />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content class="menu">
            <Show when={isMine()}>
              <DropdownMenu.Item class="menu-item" onSelect={() => setEditing(props.item)}>
                {t('message.edit')}
              </DropdownMenu.Item>
            </Show>
            <DropdownMenu.Item class="menu-item" onSelect={() => void copy(props.item.text)}>
              {t('message.copy')}
            </DropdownMenu.Item>
            <DropdownMenu.Item class="menu-item" onSelect={() => void copy(link())}>
              {t('message.link')}
            </DropdownMenu.Item>
            <Show when={threadId === undefined}>
              <DropdownMenu.Item class="menu-item" onSelect={() => void markUnread(props.item)}>
                {t('message.markUnread')}
              </DropdownMenu.Item>
            </Show>
            <Show when={mayDelete()}>
              <DropdownMenu.Item
                class="menu-item is-danger"
                onSelect={() => void remove(props.item)}
              >
                {t('message.delete')}
              </DropdownMenu.Item>
            </Show>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu>
    </div>
  )
}
