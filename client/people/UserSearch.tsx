import { createResource, createSignal, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { useRoute } from '../routing/createRoute.ts'
import { matchRank } from '../text/matching.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { SearchList } from '../ui/SearchList.tsx'
import { latestOf, SearchStatus } from '../ui/SearchStatus.tsx'
import { Avatar } from './Avatar.tsx'
import { StatusText } from './StatusText.tsx'

export function FindUserDialog(props: { isOpen: boolean; onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()

  async function open(user: UserId) {
    const room = await chat.rooms.openDirect(user)
    props.onClose()
    go({ room })
  }

  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('rooms.message')}>
      <UserSearch onPick={(user) => void chat.attempt(() => open(user))} />
    </Dialog>
  )
}

export function UserSearch(props: {
  onPick: (user: UserId) => void
  /** Returns why the user cannot be picked; undefined if the user can be picked. */
  disabledReason?: (user: UserId) => string | undefined
}) {
  const chat = useChat()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const [search] = createResource(
    () => text().trim() || undefined,
    (query) => callWithRetry(chat.client, 'users.search', { text: query.slice(0, 64) }),
  )
  const matches = () =>
    (latestOf(search)?.users ?? []).filter(
      ({ handle, name }) => text().trim() && matchRank(text().trim(), handle, name) !== undefined,
    )
  const options = () =>
    matches().map(({ userId, name, handle }) => {
      const note = props.disabledReason?.(userId)
      return {
        key: userId,
        title: name,
        note: note ?? `@${handle}`,
        isDisabled: note !== undefined,
      }
    })
  return (
    <SearchList
      label={t('rooms.findPeople')}
      title={t('composer.people')}
      options={options()}
      onQuery={setText}
      onPick={({ key }) => props.onPick(key)}
      empty={
        <>
          <SearchStatus search={search} />
          <Show when={text().trim() && search.state === 'ready'}>
            <p class="list-empty">{t('rooms.noPeople')}</p>
          </Show>
        </>
      }
    >
      {({ key, title, note }) => (
        <>
          <Avatar user={key} hasStatus />
          <span class="pick-text">
            <strong class="cut" dir="auto">
              {title}
            </strong>
            <span>{note}</span>
          </span>
          <StatusText user={key} />
        </>
      )}
    </SearchList>
  )
}
