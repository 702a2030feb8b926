import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { createSignal, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { type MyRoom, Role } from '#schema/messages/room'
import { hasRight, mayManage } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from '../routing/createRoute.ts'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import type { MenuProps } from '../ui/lazyMenu.tsx'
import { Menu, MenuChoices } from '../ui/Menu.tsx'

/** What can be done about somebody in a room: talk to them, say what they may do, remove them. */
export function MemberMenu(props: MenuProps & { room: MyRoom; userId: UserId; role: Role }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { go } = useRoute()
  const { room } = props
  const rules = () => mayManage(room.role, props.role)
  const roles = () => Role.options.filter((role) => mayManage(room.role, role))

  const talk = () =>
    chat.attempt(async () => go({ room: await chat.rooms.openDirect(props.userId) }))
  const appoint = (role: Role) =>
    chat.attempt(() => chat.client.call('room.role', { room: room.id, userId: props.userId, role }))
  const kick = () => chat.client.call('room.kick', { room: room.id, userId: props.userId })
  const name = () => chat.people.name(props.userId)
  const [isDoomed, setDoomed] = createSignal(false)

  return (
    <>
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
          <DropdownMenu.Item class="menu-item is-danger" onSelect={() => setDoomed(true)}>
            {t('room.kick')}
          </DropdownMenu.Item>
        </Show>
      </Menu>
      <ConfirmDialog
        isOpen={isDoomed()}
        onClose={() => setDoomed(false)}
        title={t('members.confirmKick', { name: name(), room: chat.titleOf(room) })}
        deed={t('room.kick')}
        isDanger
        onConfirm={kick}
      >
        <p>{t('members.kickHint')}</p>
      </ConfirmDialog>
    </>
  )
}
