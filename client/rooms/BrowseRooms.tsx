import { createEffect, createResource, createSignal, For, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { useRoute } from '../routing/createRoute.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { latestOf, SearchStatus } from '../ui/SearchStatus.tsx'
import { ArchivedRooms } from './ArchivedRooms.tsx'

export function BrowseRooms(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('rooms.browse')}>
      <PublicRooms onClose={props.onClose} />
    </Dialog>
  )
}

function PublicRooms(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t, tn } = useLanguage()
  const [text, setText] = createSignal('')
  const [firstPage] = createResource(text, (query) =>
    callWithRetry(chat.client, 'room.browse', { text: query }),
  )
  type PublicRoom = NonNullable<ReturnType<typeof firstPage>>['rooms'][number]
  // The public rooms of the second and later pages of results.
  const [laterRooms, setLaterRooms] = createSignal<readonly PublicRoom[]>([])
  const [hasMore, setMore] = createSignal(false)
  createEffect(() => {
    setLaterRooms([])
    setMore(latestOf(firstPage)?.more ?? false)
  })
  const rooms = () => [...(latestOf(firstPage)?.rooms ?? []), ...laterRooms()]

  async function showMore() {
    const [query, after] = [text(), rooms().at(-1)?.id]
    const page = await callWithRetry(chat.client, 'room.browse', { text: query, after })
    if (text() !== query) return
    setLaterRooms((before) => [...before, ...page.rooms])
    setMore(page.more)
  }

  async function open(room: PublicRoom) {
    if (!room.joined) {
      await callWithRetry(chat.client, 'room.join', { room: room.id })
      await chat.rooms.refresh()
    }
    props.onClose()
    go({ room: room.id })
  }

  return (
    <div class="form">
      <input
        type="search"
        class="input"
        aria-label={t('rooms.search')}
        placeholder={t('rooms.search')}
        value={text()}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <ul class="picks">
        <For
          each={rooms()}
          fallback={
            <Show when={firstPage.state === 'ready'}>
              <li class="list-empty">{t('rooms.noRooms')}</li>
            </Show>
          }
        >
          {(room) => (
            <li class="pick">
              <span class="pick-text">
                <strong class="cut" dir="auto">
                  {room.name}
                </strong>
                <span>{tn('rooms.members', room.members)}</span>
              </span>
              <button
                type="button"
                class="button"
                classList={{ primary: !room.joined }}
                aria-label={`${t(room.joined ? 'rooms.open' : 'rooms.join')} ${room.name}`}
                onClick={() => void chat.attempt(() => open(room))}
              >
                {t(room.joined ? 'rooms.open' : 'rooms.join')}
              </button>
            </li>
          )}
        </For>
      </ul>
      <SearchStatus search={firstPage} />
      <Show when={hasMore()}>
        <button type="button" class="button" onClick={() => void chat.attempt(showMore)}>
          {t('rooms.more')}
        </button>
      </Show>
      <ArchivedRooms onClose={props.onClose} />
    </div>
  )
}
