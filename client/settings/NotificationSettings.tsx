import { For, Match, Show, Switch } from 'solid-js'
import type { RoomId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import type { NotifyLevel } from '../chat/createNotificationPrefs.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createPermission } from '../notifications/createPermission.ts'
import { Icon } from '../ui/Icon.tsx'
import { RadioGroup } from '../ui/RadioGroup.tsx'

export function NotificationSettings() {
  const chat = useChat()
  const { t } = useLanguage()
  const { state, ask } = createPermission()
  const levels = () => ({
    all: t('settings.all'),
    mentions: t('settings.mentionsOnly'),
    none: t('settings.none'),
  })
  const ownRooms = () => chat.rooms.list().filter(({ id }) => chat.notify.ownOf(id) !== undefined)

  return (
    <>
      <div class="permission" classList={{ 'is-refused': state() === 'denied' }} role="status">
        <Icon name={state() === 'granted' ? 'bell' : 'bellOff'} />
        <Switch>
          <Match when={state() === 'granted'}>
            <span>{t('notify.on')}</span>
          </Match>
          <Match when={state() === 'denied'}>
            <span>{t('notify.denied')}</span>
          </Match>
          <Match when={state() === 'unsupported'}>
            <span>{t('notify.unsupported')}</span>
          </Match>
          <Match when={state() === 'default'}>
            <span>{t('notify.off')}</span>
            <button type="button" class="button" onClick={() => void ask()}>
              {t('notify.turnOn')}
            </button>
          </Match>
        </Switch>
      </div>
      <RadioGroup
        legend={t('settings.notify')}
        value={chat.notify.everywhere()}
        options={levels()}
        onChange={(level) => chat.notify.setEverywhere(level)}
      />
      <Show when={ownRooms().length > 0}>
        <div class="field">
          <h3 class="field-title" id="own-rooms">
            {t('notify.rooms')}
          </h3>
          <ul class="own-rooms" aria-labelledby="own-rooms">
            <For each={ownRooms()}>
              {(room) => (
                <li class="own-room">
                  <span class="cut" dir="auto">
                    {chat.titleOf(room)}
                  </span>
                  <RoomLevel room={room.id} name={chat.titleOf(room)} levels={levels()} />
                </li>
              )}
            </For>
          </ul>
        </div>
      </Show>
      <p class="muted">{t('notify.scope')}</p>
    </>
  )
}

function RoomLevel(props: { room: RoomId; name: string; levels: Record<NotifyLevel, string> }) {
  const chat = useChat()
  const { t } = useLanguage()
  return (
    <select
      class="input"
      aria-label={`${t('settings.notify')} ${props.name}`}
      value={chat.notify.ownOf(props.room) ?? ''}
      onChange={({ currentTarget: { value } }) =>
        chat.notify.setOwn(props.room, value === '' ? undefined : (value as NotifyLevel))
      }
    >
      <option value="">{t('notify.default')}</option>
      <For each={Object.entries(props.levels)}>
        {([level, label]) => <option value={level}>{label}</option>}
      </For>
    </select>
  )
}
