import { createResource, For, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { Avatar } from '../people/Avatar.tsx'
import { UserSearch } from '../people/UserSearch.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { latestOf } from '../ui/SearchStatus.tsx'

export function BansDialog(props: { room: MyRoom; isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('members.bans')}>
      <Bans room={props.room} />
    </Dialog>
  )
}

function Bans(props: { room: MyRoom }) {
  const chat = useChat()
  const { t } = useLanguage()
  const [answer, { refetch }] = createResource(() =>
    callWithRetry(chat.client, 'room.bans', { room: props.room.id }),
  )
  const bans = () => latestOf(answer)?.bans ?? []
  const change = (name: 'room.kick' | 'room.unban', userId: UserId) =>
    chat.attempt(async () => {
      await chat.client.call(name, { room: props.room.id, userId })
      await refetch()
    })
  return (
    <>
      <ul class="members">
        <For each={bans()}>
          {(ban) => (
            <li class="member">
              <Avatar user={ban.userId} />
              <span class="pick-text">
                <strong>{ban.name}</strong>
                <span>@{ban.userId}</span>
              </span>
              <button
                type="button"
                class="button"
                onClick={() => void change('room.unban', ban.userId)}
              >
                {t('members.unban')}
              </button>
            </li>
          )}
        </For>
      </ul>
      <Show when={answer.state === 'ready' && bans().length === 0}>
        <p class="list-empty">{t('members.noBans')}</p>
      </Show>
      <p class="list-empty">{t('members.banHint')}</p>
      <UserSearch onPick={(userId) => void change('room.kick', userId)} />
    </>
  )
}
