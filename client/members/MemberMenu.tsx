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

export function MemberMenu(props: MenuProps & { room: MyRoom; userId: UserId; role: Role }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { go } = useRoute()
  const { room } = props
  const outranks = () => mayManage(room.role, props.role)
  const roles = () => Role.options.filter((role) => mayManage(room.role, role))

  const openDirect = () =>
    chat.attempt(async () => go({ room: await chat.rooms.openDirect(props.userId) }))
  const setRole = (role: Role) =>
    chat.attempt(() => chat.client.call('room.role', { room: room.id, userId: props.userId, role }))
  const kick = () => chat.client.call('room.kick', { room: room.id, userId: props.userId })
  const name = () => chat.people.name(props.userId)
  const [isConfirmingKick, setConfirmingKick] = createSignal(false)

  return (
    <>
      <Menu trigger={props}>
        <DropdownMenu.Item class="menu-item" onSelect={() => void openDirect()}>
          <Icon name="send" />
          {t('members.message')}
        </DropdownMenu.Item>
        <Show when={hasRight(room, 'appoint') && outranks()}>
          <DropdownMenu.Separator class="menu-line" />
          <MenuChoices
            label={t('members.role')}
            value={props.role}
            options={roles().map((role) => [role, t(`members.${role}`)])}
            onChange={(role) => void setRole(role)}
          />
        </Show>
        <Show when={hasRight(room, 'kick') && outranks()}>
          <DropdownMenu.Separator class="menu-line" />
          <DropdownMenu.Item class="menu-item is-danger" onSelect={() => setConfirmingKick(true)}>
            {t('room.kick')}
          </DropdownMenu.Item>
        </Show>
      </Menu>
      <ConfirmDialog
        isOpen={isConfirmingKick()}
        onClose={() => setConfirmingKick(false)}
        title={t('members.confirmKick', { name: name(), room: chat.titleOf(room) })}
        confirmLabel={t('room.kick')}
        isDanger
        onConfirm={kick}
      >
        <p>{t('members.kickHint')}</p>
      </ConfirmDialog>
    </>
  )
}
