import { createResource, createSignal, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ask } from '../nats/callWithRetry.ts'
import { usePlace } from '../routing/createRoute.ts'
import { rankOf } from '../text/matching.ts'
import { ModalDialog } from '../ui/Dialog.tsx'
import { Finder } from '../ui/SearchList.tsx'
import { latestOf, Searching } from '../ui/SearchStatus.tsx'
import { Avatar } from './Avatar.tsx'
import { StatusWord } from './StatusText.tsx'

/** Finds somebody to talk to, and opens the room of the two. */
export function FindPerson(props: { isOpen: boolean; onClose: () => void }) {
  const chat = useChat()
  const { go } = usePlace()
  const { t } = useLanguage()

  async function open(user: UserId) {
    const room = await chat.rooms.openDirect(user)
    props.onClose()
    go({ room })
  }

  return (
    <ModalDialog isOpen={props.isOpen} onClose={props.onClose} title={t('rooms.message')}>
      <PersonSearch onPick={(user) => void chat.attempt(() => open(user))} />
    </ModalDialog>
  )
}

/** A field for a name, and who is called that. */
export function PersonSearch(props: {
  onPick: (user: UserId) => void
  /** Why somebody cannot be picked. */
  noteOf?: (user: UserId) => string | undefined
}) {
  const chat = useChat()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const [found] = createResource(
    () => text().trim() || undefined,
    (searched) => ask(chat.client, 'users.search', { text: searched.slice(0, 64) }),
  )
  // What was found for other letters is shown as far as it fits these.
  const fitting = () =>
    (latestOf(found)?.users ?? []).filter(
      ({ userId, name }) => text().trim() && rankOf(text().trim(), userId, name) !== undefined,
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
    <Finder
      label={t('rooms.findPeople')}
      title={t('composer.people')}
      options={people()}
      onText={setText}
      onPick={({ key }) => props.onPick(key)}
      empty={
        <>
          <Searching of={found} />
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
          <StatusWord user={key} />
        </>
      )}
    </Finder>
  )
}
