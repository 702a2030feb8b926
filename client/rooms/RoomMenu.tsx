import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { createSignal, Show } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import { hasRight } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import type { NotifyLevel } from '../chat/createNotificationPrefs.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createPermission } from '../notifications/createPermission.ts'
import { linkTo } from '../routing/createRoute.ts'
import { useClipboard } from '../ui/createClipboard.ts'
import { Icon } from '../ui/Icon.tsx'
import type { MenuProps } from '../ui/lazyMenu.tsx'
import { Menu, MenuChoices } from '../ui/Menu.tsx'
import { RenameRoom } from './RenameRoom.tsx'

export function RoomMenu(props: MenuProps & { room: MyRoom; onApps?: () => void }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { copy } = useClipboard()
  const permission = createPermission()
  const defaultLabel = () =>
    ({
      all: t('settings.all'),
      mentions: t('settings.mentionsOnly'),
      none: t('settings.none'),
    })[chat.notify.everywhere()]
  const choices = (): [NotifyLevel | 'default', string][] => [
    ['default', `${t('notify.default')}: ${defaultLabel()}`],
    ['all', t('settings.all')],
    // In a direct room, each message is addressed to the user, so `mentions` would be the same as `all`.
    ...(props.room.kind === 'direct'
      ? []
      : ([['mentions', t('notify.onlyMentions')]] satisfies [NotifyLevel, string][])),
    ['none', t('settings.none')],
  ]

  const [isRenaming, setRenaming] = createSignal(false)

  return (
    <>
      <Menu trigger={props}>
        <MenuChoices
          label={t('settings.notify')}
          value={chat.notify.ownOf(props.room.id) ?? 'default'}
          options={choices()}
          onChange={(level) =>
            chat.notify.setOwn(props.room.id, level === 'default' ? undefined : level)
          }
        />
        <Show when={permission.state() === 'default'}>
          <DropdownMenu.Item class="menu-item" onSelect={() => void permission.ask()}>
            <Icon name="bell" />
            {t('notify.turnOn')}
          </DropdownMenu.Item>
        </Show>
        <Show when={permission.state() === 'denied'}>
          <p class="menu-note">{t('notify.denied')}</p>
        </Show>
        <DropdownMenu.Separator class="menu-line" />
        <DropdownMenu.CheckboxItem
          class="menu-item"
          checked={chat.preferences.all().translateRooms?.[props.room.id] === true}
          onChange={(isOn) =>
            chat.preferences.set({ translateRooms: { [props.room.id]: isOn || null } })
          }
        >
          <span class="menu-check">
            <DropdownMenu.ItemIndicator>
              <Icon name="check" />
            </DropdownMenu.ItemIndicator>
          </span>
          {t('translate.room')}
        </DropdownMenu.CheckboxItem>
        <Show when={props.room.unread > 0}>
          <DropdownMenu.Item
            class="menu-item"
            onSelect={() => chat.rooms.markEverythingRead(props.room)}
          >
            <Icon name="check" />
            {t('rooms.markRead')}
          </DropdownMenu.Item>
        </Show>
        <DropdownMenu.Item
          class="menu-item"
          onSelect={() => void copy(linkTo({ room: props.room.id }))}
        >
          <Icon name="link" />
          {t('links.copyRoom')}
        </DropdownMenu.Item>
        {/* Only owners and moderators can add an app, and a direct room has neither. */}
        <Show when={props.room.kind !== 'direct' && props.onApps}>
          <DropdownMenu.Item class="menu-item" onSelect={() => props.onApps?.()}>
            <Icon name="apps" />
            {t('apps.title')}
          </DropdownMenu.Item>
        </Show>
        <Show when={props.room.kind !== 'direct' && hasRight(props.room, 'rename')}>
          <DropdownMenu.Item class="menu-item" onSelect={() => setRenaming(true)}>
            <Icon name="edit" />
            {t('room.rename')}
          </DropdownMenu.Item>
        </Show>
      </Menu>
      <RenameRoom room={props.room} isOpen={isRenaming()} onClose={() => setRenaming(false)} />
    </>
  )
}
