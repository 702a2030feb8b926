import { createEffect, createResource, Match, onCleanup, Show, Switch } from 'solid-js'
import type { RoomId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { StartActions } from '../rooms/StartActions.tsx'
import { BackButton } from '../routing/BackButton.tsx'
import type { OpenDialog } from '../routing/dialogs.ts'
import { RoomPreview } from './RoomPreview.tsx'

const noAccessCodes: ReadonlySet<string> = new Set(['forbidden', 'not_found', 'invalid'])
const retryDelayMs = 5_000

export function NotMemberView(props: { room: RoomId; onOpen: (dialog: OpenDialog) => void }) {
  const chat = useChat()
  const { t } = useLanguage()
  const [info, { refetch }] = createResource(
    () => chat.rooms.isLoaded(),
    () => chat.client.try('room.info', { room: props.room }),
  )
  const room = () => {
    const answer = info()
    return answer?.ok ? answer.value.room : undefined
  }
  const hasFailed = () => {
    const answer = info()
    return answer?.ok === false && !noAccessCodes.has(answer.error.code)
  }
  createEffect(() => {
    if (!hasFailed() || info.state !== 'ready') return
    const timer = setTimeout(() => void refetch(), retryDelayMs)
    onCleanup(() => clearTimeout(timer))
  })
  async function join() {
    await callWithRetry(chat.client, 'room.join', { room: props.room })
    await chat.rooms.refresh()
  }
  return (
    <Show
      when={room()}
      fallback={
        <div class="nothing">
          <Switch fallback={<p role="status">{t('room.loading')}</p>}>
            <Match when={hasFailed()}>
              <p role="alert">{t('room.failed')}</p>
              <button type="button" class="button" onClick={() => void refetch()}>
                {t('login.retry')}
              </button>
            </Match>
            <Match when={info.state === 'ready'}>
              <h1>{t('room.notFound')}</h1>
              <p>{t('room.forbidden')}</p>
              <StartActions onOpen={props.onOpen} />
            </Match>
          </Switch>
          <BackButton />
        </div>
      }
    >
      {(found) => {
        const onJoin = () => void chat.attempt(join)
        return (
          <Show
            when={found().kind === 'public'}
            fallback={
              <div class="nothing">
                <h1>{found().name}</h1>
                <button type="button" class="button primary" onClick={onJoin}>
                  {t('room.joinToView')}
                </button>
                <BackButton />
              </div>
            }
          >
            <RoomPreview room={found()} onJoin={onJoin} />
          </Show>
        )
      }}
    </Show>
  )
}
