import './members.css'
import { createMemo, createResource, createSignal, For, onCleanup, Show } from 'solid-js'
import type { OutputOf } from '#runtime'
import type { UserId } from '#schema/ids'
import type { MyRoom, roomInfo } from '#schema/messages/room'
import { hasRight } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { Avatar } from '../people/Avatar.tsx'
import { UserSearch } from '../people/UserSearch.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'
import { lazyMenu } from '../ui/lazyMenu.tsx'
import { lazyPart } from '../ui/lazyPart.tsx'
import { latestOf } from '../ui/SearchStatus.tsx'

const BansDialog = lazyPart(async () => (await import('./BansDialog.tsx')).BansDialog)
const MemberMenu = lazyMenu(async () => (await import('./MemberMenu.tsx')).MemberMenu)

export function MembersPanel(props: { room: MyRoom; onClose: () => void }) {
  const chat = useChat()
  const { t, code } = useLanguage()
  const [isInviting, setInviting] = createSignal(false)
  const [info, { refetch }] = createResource(() =>
    callWithRetry(chat.client, 'room.info', { room: props.room.id }),
  )
  onCleanup(chat.rooms.listen(props.room.id, ({ kind }) => kind === 'member' && void refetch()))

  const isOnline = (user: UserId) =>
    (chat.presence.statusOf(user, props.room.id) ?? 'offline') !== 'offline'
  const members = createMemo(() =>
    (latestOf(info)?.members ?? []).toSorted(
      (a, b) =>
        Number(isOnline(b.userId)) - Number(isOnline(a.userId)) ||
        a.name.localeCompare(b.name, code()),
    ),
  )
  const [confirming, setConfirming] = createSignal<'leave' | 'archive'>()
  /** Asks for confirmation in a private room: a user who has left it needs an invitation to return. */
  const leave = () =>
    props.room.kind === 'private'
      ? setConfirming('leave')
      : void chat.attempt(() => chat.client.call('room.leave', { room }))

  const [invited, setInvited] = createSignal<UserId>()
  const [isBansOpen, setBansOpen] = createSignal(false)
  const room = props.room.id

  async function invite(userId: UserId) {
    await chat.client.call('room.invite', { room, userId })
    setInvited(userId)
  }

  return (
    <section class="panel" aria-label={t('members.title')}>
      <header class="room-head">
        <h2>
          {t('members.title')} <span class="muted">{latestOf(info)?.count}</span>
        </h2>
        <IconButton icon="close" label={t('members.close')} onClick={props.onClose} />
      </header>
      <ul class="members">
        <For each={members().map(({ userId }) => userId)}>
          {(userId) => (
            <Member
              room={props.room}
              member={members().find((member) => member.userId === userId)}
            />
          )}
        </For>
      </ul>
      <Show when={info.state === 'errored'}>
        <p class="list-empty" role="status">
          {t('app.unreachable')}
        </p>
      </Show>
      <Show when={invited()}>
        {(userId) => (
          <p class="list-empty" role="status">
            {t('members.invited', { name: chat.people.name(userId()) })}
          </p>
        )}
      </Show>
      <Show when={props.room.kind !== 'direct'}>
        <footer class="panel-actions">
          <Show when={hasRight(props.room, 'invite')}>
            <button type="button" class="button" onClick={() => setInviting(true)}>
              {t('room.invite')}
            </button>
          </Show>
          <Show when={hasRight(props.room, 'kick')}>
            <button type="button" class="button" onClick={() => setBansOpen(true)}>
              {t('members.bans')}
            </button>
          </Show>
          <button type="button" class="button" onClick={leave}>
            {t('room.leave')}
          </button>
          <Show when={hasRight(props.room, 'archive')}>
            <button type="button" class="button danger" onClick={() => setConfirming('archive')}>
              {t('room.archive')}
            </button>
          </Show>
        </footer>
      </Show>
      <ConfirmDialog
        isOpen={confirming() !== undefined}
        onClose={() => setConfirming()}
        title={t(confirming() === 'leave' ? 'room.confirmLeave' : 'room.confirmArchive', {
          room: chat.titleOf(props.room),
        })}
        confirmLabel={t(confirming() === 'leave' ? 'room.leave' : 'room.archive')}
        isDanger
        onConfirm={() =>
          chat.client.call(confirming() === 'leave' ? 'room.leave' : 'room.archive', { room })
        }
      >
        <p>{t(confirming() === 'leave' ? 'room.leaveHint' : 'room.archiveHint')}</p>
      </ConfirmDialog>
      <BansDialog room={props.room} isOpen={isBansOpen()} onClose={() => setBansOpen(false)} />
      <Dialog isOpen={isInviting()} onClose={() => setInviting(false)} title={t('room.invite')}>
        <UserSearch
          disabledReason={(userId) =>
            members().some((member) => member.userId === userId) ? t('members.already') : undefined
          }
          onPick={(userId) => {
            setInviting(false)
            void chat.attempt(() => invite(userId))
          }}
        />
      </Dialog>
    </section>
  )
}

type MemberInfo = OutputOf<typeof roomInfo>['members'][number]

function Member(props: { room: MyRoom; member: MemberInfo | undefined }) {
  const chat = useChat()
  const { t } = useLanguage()
  return (
    <Show when={props.member}>
      {(member) => {
        const status = () => chat.presence.statusOf(member().userId, props.room.id)
        return (
          <li class="member" classList={{ 'is-away': status() === 'offline' }}>
            <Avatar user={member().userId} room={props.room.id} hasStatus />
            <span class="pick-text">
              <strong class="cut" dir="auto">
                {member().name}
              </strong>
              <Show
                when={member().deactivated}
                fallback={
                  <Show when={status()}>
                    {(current) => <span>{t(`status.${current()}`)}</span>}
                  </Show>
                }
              >
                <span>{t('people.deactivated')}</span>
              </Show>
            </span>
            <Show when={member().role !== 'member' && props.room.kind !== 'direct'}>
              <span class="role">{t(`members.${member().role}`)}</span>
            </Show>
            <Show when={member().userId !== chat.me && props.room.kind !== 'direct'}>
              <MemberMenu
                class="icon-button"
                label={t('members.menu', { name: member().name })}
                room={props.room}
                userId={member().userId}
                role={member().role}
              >
                <Icon name="more" />
              </MemberMenu>
            </Show>
          </li>
        )
      }}
    </Show>
  )
}
