import { createMemo, createResource, createSignal, For, onCleanup, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import { ask } from '../chat/ask.ts'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../shell/Avatar.tsx'
import { ConfirmDialog } from '../shell/ConfirmDialog.tsx'
import { PersonSearch } from '../shell/FindPerson.tsx'
import { Icon } from '../shell/Icon.tsx'
import { ModalDialog } from '../shell/ModalDialog.tsx'

/** Who is in the room, who of them is there, and what may be done about it. */
export function MembersPanel(props: { room: MyRoom; onClose: () => void }) {
  const chat = useChat()
  const { t, code } = useLanguage()
  const [isInviting, setInviting] = createSignal(false)
  const [info, { refetch }] = createResource(() =>
    ask(chat.client, 'room.info', { room: props.room.id }),
  )
  onCleanup(chat.rooms.listen(props.room.id, ({ kind }) => kind === 'member' && void refetch()))

  const isThere = (user: UserId) => chat.presence.statusOf(user) !== 'offline'
  const members = createMemo(() =>
    (info.latest?.members ?? []).toSorted(
      (a, b) =>
        Number(isThere(b.userId)) - Number(isThere(a.userId)) ||
        a.name.localeCompare(b.name, code()),
    ),
  )
  const rules = () => props.room.role === 'owner' || props.room.role === 'moderator'

  const [asked, setAsked] = createSignal<'leave' | 'archive'>()
  /** Whoever leaves a public room joins it again when they like. */
  const leave = () =>
    props.room.kind === 'private'
      ? setAsked('leave')
      : void chat.attempt(() => chat.client.call('room.leave', { room }))

  const room = props.room.id

  return (
    <aside class="panel" aria-label={t('members.title')}>
      <header class="room-head">
        <h2>
          {t('members.title')} <span class="muted">{info.latest?.count}</span>
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label={t('members.close')}
          onClick={props.onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      <ul class="members">
        <For each={members()}>
          {({ userId, name, role }) => (
            <li class="member" classList={{ 'is-away': !isThere(userId) }}>
              <Avatar user={userId} hasStatus />
              <span class="pick-text">
                <strong>{name}</strong>
                <span>{t(`status.${chat.presence.statusOf(userId)}`)}</span>
              </span>
              <Show when={role !== 'member'}>
                <span class="role">{t(`members.${role as 'owner'}`)}</span>
              </Show>
              <Show when={rules() && userId !== chat.me && props.room.kind !== 'direct'}>
                <button
                  type="button"
                  class="text-button is-danger"
                  aria-label={`${t('room.kick')} ${name}`}
                  onClick={() =>
                    void chat.attempt(() => chat.client.call('room.kick', { room, userId }))
                  }
                >
                  {t('room.kick')}
                </button>
              </Show>
            </li>
          )}
        </For>
      </ul>
      <Show when={props.room.kind !== 'direct'}>
        <footer class="panel-actions">
          <Show when={props.room.role !== 'guest'}>
            <button type="button" class="button" onClick={() => setInviting(true)}>
              {t('room.invite')}
            </button>
          </Show>
          <button type="button" class="button" onClick={leave}>
            {t('room.leave')}
          </button>
          <Show when={props.room.role === 'owner'}>
            <button type="button" class="button danger" onClick={() => setAsked('archive')}>
              {t('room.archive')}
            </button>
          </Show>
        </footer>
      </Show>
      <ConfirmDialog
        isOpen={asked() !== undefined}
        onClose={() => setAsked()}
        title={t(asked() === 'leave' ? 'room.confirmLeave' : 'room.confirmArchive', {
          room: chat.titleOf(props.room),
        })}
        deed={t(asked() === 'leave' ? 'room.leave' : 'room.archive')}
        isDanger
        onConfirm={() =>
          chat.client.call(asked() === 'leave' ? 'room.leave' : 'room.archive', { room })
        }
      >
        <p>{t(asked() === 'leave' ? 'room.leaveHint' : 'room.archiveHint')}</p>
      </ConfirmDialog>
      <ModalDialog
        isOpen={isInviting()}
        onClose={() => setInviting(false)}
        title={t('room.invite')}
      >
        <PersonSearch
          onPick={(userId) => {
            setInviting(false)
            void chat.attempt(() => chat.client.call('room.invite', { room, userId }))
          }}
        />
      </ModalDialog>
    </aside>
  )
}
