import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { For, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { type MyRoom, Role } from '#schema/messages/room'
import { hasRight, mayRuleOver } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { usePlace } from '../shell/createPlace.ts'
import { Icon } from '../shell/Icon.tsx'
import type { MenuProps } from '../shell/laterMenu.tsx'

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
  const appoint = (role: string) =>
    chat.attempt(() =>
      chat.client.call('room.role', { room: room.id, userId: props.userId, role: role as Role }),
    )
  const kick = () =>
    chat.attempt(() => chat.client.call('room.kick', { room: room.id, userId: props.userId }))

  return (
    <DropdownMenu
      placement="bottom-end"
      modal={false}
      defaultOpen
      onOpenChange={(isOpen) => props.onOpenChange?.(isOpen)}
    >
      <DropdownMenu.Trigger class={props.class} aria-label={props.label}>
        {props.children}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu">
          <DropdownMenu.Item class="menu-item" onSelect={() => void talk()}>
            <Icon name="send" />
            {t('members.talk')}
          </DropdownMenu.Item>
          <Show when={hasRight(room, 'appoint') && rules()}>
            <DropdownMenu.Separator class="menu-line" />
            <DropdownMenu.RadioGroup value={props.role} onChange={(role) => void appoint(role)}>
              <DropdownMenu.GroupLabel class="menu-label">
                {t('members.role')}
              </DropdownMenu.GroupLabel>
              <For each={roles()}>
                {(role) => (
                  <DropdownMenu.RadioItem class="menu-item" value={role} closeOnSelect>
                    <span class="menu-check">
                      <DropdownMenu.ItemIndicator>
                        <Icon name="check" />
                      </DropdownMenu.ItemIndicator>
                    </span>
                    {t(`members.${role}`)}
                  </DropdownMenu.RadioItem>
                )}
              </For>
            </DropdownMenu.RadioGroup>
          </Show>
          <Show when={hasRight(room, 'kick') && rules()}>
            <DropdownMenu.Separator class="menu-line" />
            <DropdownMenu.Item class="menu-item is-danger" onSelect={() => void kick()}>
              {t('room.kick')}
            </DropdownMenu.Item>
          </Show>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  )
}
