import { Match, Switch } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { accept, setBlocked } from '../people/contacts.ts'

export function ReadOnlyBar(props: { room: MyRoom }) {
  const chat = useChat()
  const { t } = useLanguage()
  const name = () => chat.titleOf(props.room)
  const change = (isBlocked: boolean) =>
    chat.attempt(async () => {
      if (props.room.with) await setBlocked(chat, props.room.with, isBlocked)
    })
  return (
    <div class="read-only">
      <Switch fallback={<p>{t('room.readOnly')}</p>}>
        <Match when={props.room.isBlocked}>
          <p>{t('invitations.blocked', { name: name() })}</p>
          <button type="button" class="button" onClick={() => void change(false)}>
            {t('invitations.unblock')}
          </button>
        </Match>
        <Match when={props.room.isRequest}>
          <p>{t('invitations.request', { name: name() })}</p>
          <button
            type="button"
            class="button primary"
            onClick={() => void chat.attempt(() => accept(chat, props.room.id))}
          >
            {t('invitations.accept')}
          </button>
          <button type="button" class="button" onClick={() => void change(true)}>
            {t('invitations.block')}
          </button>
        </Match>
      </Switch>
    </div>
  )
}
