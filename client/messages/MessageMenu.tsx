import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { Show } from 'solid-js'
import { hasRight } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useUserCard } from '../people/createUserCard.ts'
import { linkTo } from '../routing/createRoute.ts'
import { createTarget } from '../translation/createTarget.ts'
import { useTranslations } from '../translation/createTranslations.ts'
import { useClipboard } from '../ui/createClipboard.ts'
import type { MenuProps } from '../ui/lazyMenu.tsx'
import { Menu } from '../ui/Menu.tsx'
import { useConversation } from './createConversation.ts'

export function MessageMenu(
  props: MenuProps & {
    item: TimelineMessage
    anchor: () => HTMLElement
  },
) {
  const chat = useChat()
  const { t, textOf } = useLanguage()
  const { copy } = useClipboard()
  const { setEditing, setTraced, setDeleting, markUnread, threadId, room, isPreview } =
    useConversation()
  const card = useUserCard()
  const translations = useTranslations(chat)
  const target = createTarget()
  const isTranslated = () => translations.of(props.item)?.isHidden === false
  const isMine = () => props.item.sender === chat.me && !isPreview
  const mayDelete = () => isMine() || hasRight(room, 'moderate')
  const link = () => linkTo({ room: props.item.room, message: props.item.id })

  let isCardRequested = false
  /**
   * Opens the sender's user card. A menu that closes returns the focus to its button, and a focus
   * change closes an open card. So the card opens only after the focus was returned.
   */
  const showCard = () => {
    if (isCardRequested) setTimeout(() => card.show(props.item.sender, props.anchor()))
    isCardRequested = false
  }

  return (
    <Menu trigger={props} onClosed={showCard}>
      <Show when={isMine()}>
        <DropdownMenu.Item class="menu-item" onSelect={() => setEditing(props.item)}>
          {t('message.edit')}
        </DropdownMenu.Item>
      </Show>
      <Show when={!props.item.card}>
        <DropdownMenu.Item
          class="menu-item"
          onSelect={() =>
            isTranslated()
              ? translations.hide(props.item)
              : translations.translate(props.item, target())
          }
        >
          {t(isTranslated() ? 'translate.hide' : 'translate.translate')}
        </DropdownMenu.Item>
      </Show>
      <DropdownMenu.Item
        class="menu-item"
        onSelect={() => void copy(textOf(props.item, chat.people.name))}
      >
        {t('message.copy')}
      </DropdownMenu.Item>
      <DropdownMenu.Item class="menu-item" onSelect={() => void copy(link())}>
        {t('message.link')}
      </DropdownMenu.Item>
      <Show when={!props.item.card}>
        <DropdownMenu.Item
          class="menu-item"
          onSelect={() => {
            isCardRequested = true
          }}
        >
          {t('members.profile', { name: chat.people.name(props.item.sender) })}
        </DropdownMenu.Item>
      </Show>
      <Show when={threadId === undefined && !isPreview}>
        <DropdownMenu.Item class="menu-item" onSelect={() => void markUnread(props.item)}>
          {t('message.markUnread')}
        </DropdownMenu.Item>
      </Show>
      <Show when={isMine()}>
        <DropdownMenu.Item class="menu-item" onSelect={() => setTraced(props.item)}>
          {t('message.trace')}
        </DropdownMenu.Item>
      </Show>
      <Show when={mayDelete()}>
        <DropdownMenu.Item class="menu-item is-danger" onSelect={() => setDeleting(props.item)}>
          {t('message.delete')}
        </DropdownMenu.Item>
      </Show>
    </Menu>
  )
}
