import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { For } from 'solid-js'
import type { ChosenStatus } from '#schema/messages/presence'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import type { OpenDialog } from '../routing/dialogs.ts'
import { Icon } from '../ui/Icon.tsx'
import type { MenuProps } from '../ui/lazyMenu.tsx'
import { Menu } from '../ui/Menu.tsx'

const minuteMs = 60_000
const statuses: readonly ChosenStatus[] = ['online', 'away']

export function AccountMenu(
  props: MenuProps & { onOpen: (dialog: OpenDialog) => void; onLogout: () => void },
) {
  const chat = useChat()
  const { t, timeOf } = useLanguage()
  const status = () => chat.presence.mine()
  const ends = (): [string, number | undefined][] => [
    [t('notify.halfHour'), Date.now() + 30 * minuteMs],
    [t('notify.hour'), Date.now() + 60 * minuteMs],
    [t('notify.tomorrow', { time: timeOf(tomorrowMorning()) }), tomorrowMorning()],
    [t('notify.untilChanged'), undefined],
  ]

  return (
    <Menu trigger={props} placement="top-start">
      <DropdownMenu.RadioGroup
        value={status()}
        onChange={(chosen) =>
          void chat.attempt(() => chat.doNotDisturb.choose(chosen as ChosenStatus))
        }
      >
        <DropdownMenu.GroupLabel class="menu-label">{t('status.choose')}</DropdownMenu.GroupLabel>
        <For each={statuses}>
          {(option) => (
            <DropdownMenu.RadioItem class="menu-item" value={option} closeOnSelect>
              <span class={`dot is-${option}`} />
              {t(`status.${option}`)}
            </DropdownMenu.RadioItem>
          )}
        </For>
      </DropdownMenu.RadioGroup>
      <DropdownMenu.Sub overlap>
        <DropdownMenu.SubTrigger
          class="menu-item"
          data-checked={status() === 'busy' ? '' : undefined}
        >
          <span class="dot is-busy" />
          <span class="menu-text">{t('status.busy')}</span>
          <Icon name="next" />
        </DropdownMenu.SubTrigger>
        <DropdownMenu.Portal>
          <DropdownMenu.SubContent class="menu">
            <For each={ends()}>
              {([label, end]) => (
                <DropdownMenu.Item
                  class="menu-item"
                  onSelect={() => void chat.attempt(() => chat.doNotDisturb.choose('busy', end))}
                >
                  {label}
                </DropdownMenu.Item>
              )}
            </For>
          </DropdownMenu.SubContent>
        </DropdownMenu.Portal>
      </DropdownMenu.Sub>
      <DropdownMenu.Separator class="menu-line" />
      <DropdownMenu.Item class="menu-item" onSelect={() => props.onOpen('settings')}>
        {t('status.settings')}
      </DropdownMenu.Item>
      <DropdownMenu.Item class="menu-item" onSelect={() => props.onOpen('shortcuts')}>
        {t('status.shortcuts')}
      </DropdownMenu.Item>
      <DropdownMenu.Item class="menu-item" onSelect={props.onLogout}>
        {t('status.logout')}
      </DropdownMenu.Item>
    </Menu>
  )
}

function tomorrowMorning(): number {
  const day = new Date()
  day.setDate(day.getDate() + 1)
  return day.setHours(9, 0, 0, 0)
}
