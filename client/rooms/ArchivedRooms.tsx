import { createResource, For, Show } from 'solid-js'
import type { RoomId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from '../routing/createRoute.ts'
import { latestOf } from '../ui/SearchStatus.tsx'

export function ArchivedRooms(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  const [archived] = createResource(async () => {
    const answer = await chat.client.try('room.archived', {})
    return answer.ok ? answer.value.rooms : []
  })

  async function restore(room: RoomId) {
    await chat.client.call('room.archive', { room, archived: false })
    await chat.rooms.refresh()
    props.onClose()
    go({ room })
  }

  return (
    <Show when={latestOf(archived)?.length}>
      <details>
        <summary>{t('rooms.archivedRooms')}</summary>
        <ul class="picks">
          <For each={latestOf(archived)}>
            {({ id, name }) => (
              <li class="pick">
                <span class="pick-text">
                  <strong class="cut" dir="auto">
                    {name}
                  </strong>
                </span>
                <button
                  type="button"
                  class="button"
                  aria-label={`${t('rooms.restore')} ${name}`}
                  onClick={() => void chat.attempt(() => restore(id))}
                >
                  {t('rooms.restore')}
                </button>
              </li>
            )}
          </For>
        </ul>
      </details>
    </Show>
  )
}
