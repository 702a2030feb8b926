import { createResource, createSignal, For, Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { ask } from '../chat/ask.ts'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from './Avatar.tsx'
import { usePlace } from './createPlace.ts'
import { ModalDialog } from './ModalDialog.tsx'
import { latestOf, Searching } from './Searching.tsx'

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
  return (
    <div class="form">
      <input
        type="search"
        class="input"
        aria-label={t('rooms.findPeople')}
        placeholder={t('rooms.findPeople')}
        value={text()}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <ul class="picks">
        <For each={text().trim() ? latestOf(found)?.users : []}>
          {({ userId, name }) => (
            <li>
              <button
                type="button"
                class="pick"
                disabled={props.noteOf?.(userId) !== undefined}
                onClick={() => props.onPick(userId)}
              >
                <Avatar user={userId} hasStatus />
                <span class="pick-text">
                  <strong>{name}</strong>
                  <span>{props.noteOf?.(userId) ?? `@${userId}`}</span>
                </span>
              </button>
            </li>
          )}
        </For>
      </ul>
      <Searching of={found} />
      <Show when={text().trim() && found.state === 'ready' && found.latest.users.length === 0}>
        <p class="list-empty">{t('rooms.nobody')}</p>
      </Show>
    </div>
  )
}
