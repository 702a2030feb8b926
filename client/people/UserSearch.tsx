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

/** Finds somebody to talk to, and opens the room of the two. */
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

/** A field for a name, and who is called that. */
export function UserSearch(props: {
  onPick: (user: UserId) => void
  /** Why somebody cannot be picked. */
  noteOf?: (user: UserId) => string | undefined
}) {
  const chat = useChat()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const [found] = createResource(
    () => text().trim() || undefined,
    (searched) => callWithRetry(chat.client, 'users.search', { text: searched.slice(0, 64) }),
  )
  // What was found for other letters is shown as far as it fits these.
  const fitting = () =>
    (latestOf(found)?.users ?? []).filter(
      ({ userId, name }) => text().trim() && matchRank(text().trim(), userId, name) !== undefined,
    )
  const people = () =>
    fitting().map(({ userId, name }) => {
      const note = props.noteOf?.(userId)
      return {
        key: userId,
        title: name,
        note: note ?? `@${userId}`,
        isDisabled: note !== undefined,
      }
    })
  return (
    <SearchList
      label={t('rooms.findPeople')}
      title={t('composer.people')}
      options={people()}
      onText={setText}
      onPick={({ key }) => props.onPick(key)}
      empty={
        <>
          <SearchStatus of={found} />
          <Show when={text().trim() && found.state === 'ready'}>
            <p class="list-empty">{t('rooms.nobody')}</p>
          </Show>
        </>
      }
    >
      {({ key, title, note }) => (
        <>
          <Avatar user={key} hasStatus />
          <span class="pick-text">
            <strong>{title}</strong>
            <span>{note}</span>
          </span>
          <StatusText user={key} />
        </>
      )}
    </SearchList>
  )
}
