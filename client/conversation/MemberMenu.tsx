import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { type MyRoom, Role } from '#schema/messages/room'
import { hasRight, mayRuleOver } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { usePlace } from '../shell/createPlace.ts'
import { Icon } from '../shell/Icon.tsx'
import type { MenuProps } from '../shell/laterMenu.tsx'
import { Menu, MenuChoices } from '../shell/Menu.tsx'

/** What can be done about somebody in a room: talk to them, say what they may do, remove them. */
export function MemberMenu(props: MenuProps & { room: MyRoom; userId: UserId; role: Role }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { go } = usePlace()
  const { room } = props
  const rules = () => mayRuleOver(room.role, props.role)
  const roles = () => Role.options.filter((role) => mayRuleOver(room.role, role))

  const talk = () =>
    chat.attempt(async () => go({ room: await chat.rooms.openDirect(props.userId) }))
  const appoint = (role: Role) =>
    chat.attempt(() => chat.client.call('room.role', { room: room.id, userId: props.userId, role }))
  const kick = () =>
    chat.attempt(() => chat.client.call('room.kick', { room: room.id, userId: props.userId }))

  return (
    <Menu of={props}>
      <DropdownMenu.Item class="menu-item" onSelect={() => void talk()}>
        <Icon name="send" />
        {t('members.talk')}
      </DropdownMenu.Item>
      <Show when={hasRight(room, 'appoint') && rules()}>
        <DropdownMenu.Separator class="menu-line" />
        <MenuChoices
          label={t('members.role')}
          value={props.role}
          options={roles().map((role) => [role, t(`members.${role}`)])}
          onChange={(role) => void appoint(role)}
        />
      </Show>
      <Show when={hasRight(room, 'kick') && rules()}>
        <DropdownMenu.Separator class="menu-line" />
        <DropdownMenu.Item class="menu-item is-danger" onSelect={() => void kick()}>
          {t('room.kick')}
        </DropdownMenu.Item>
      </Show>
    </Menu>
  )
}
