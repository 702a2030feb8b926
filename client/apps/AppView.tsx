import { createSignal, onCleanup, onMount, Show } from 'solid-js'
import { type ErrorCode, isCallError } from '#runtime/client'
import type { AppHello } from '#schema/app-bridge'
import { topics } from '#schema/contracts'
import type { UserId } from '#schema/ids'
import type { App } from '#schema/messages/app'
import type { MyRoom } from '#schema/messages/room'
import { type Chat, useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { type Answer, createAppFrame, type EndReason } from './createAppFrame.ts'
import { readTheme, watchAppearance } from './readTheme.ts'

/** Runs an app of a room. The app's frame and its subscriptions are removed with this view. */
export function AppView(props: { room: MyRoom; app: App }) {
  const { t } = useLanguage()
  const [state, setState] = createSignal<'starting' | 'ready' | EndReason>('starting')
  const ended = () => {
    const current = state()
    return current === 'starting' || current === 'ready' ? undefined : current
  }
  return (
    <div class="app" classList={{ 'is-ready': state() === 'ready' }}>
      <Show when={state() === 'starting'}>
        <p class="list-empty" role="status">
          {t('apps.loading', { app: props.app.name })}
        </p>
      </Show>
      <Show
        when={ended()}
        fallback={
          <LiveApp
            room={props.room}
            app={props.app}
            onReady={() => setState('ready')}
            onEnd={setState}
          />
        }
      >
        {(reason) => (
          <div class="list-empty" role="alert">
            <p>{t(`apps.${reason()}`, { app: props.app.name })}</p>
            <Show
              when={reason() === 'stuck'}
              fallback={
                <button type="button" class="button" onClick={() => setState('starting')}>
                  {t('apps.retry')}
                </button>
              }
            >
              <button type="button" class="button" onClick={() => location.reload()}>
                {t('update.reload')}
              </button>
            </Show>
          </div>
        )}
      </Show>
    </div>
  )
}

function LiveApp(props: {
  room: MyRoom
  app: App
  onReady: () => void
  onEnd: (reason: EndReason) => void
}) {
  const chat = useChat()
  const { t, locale } = useLanguage()
  let container: HTMLDivElement | undefined
  const { id: room } = props.room
  const { id: app } = props.app

  const readLocale = (): Pick<AppHello, 'locale' | 'dir'> => ({
    locale: locale(),
    dir: document.documentElement.dir === 'rtl' ? 'rtl' : 'ltr',
  })

  onMount(() => {
    let frame: ReturnType<typeof createAppFrame>
    try {
      frame = createAppFrame({
        app: props.app,
        hello: () => ({
          user: { id: chat.me, name: chat.people.name(chat.me), role: props.room.role },
          room: { id: room, name: chat.titleOf(props.room) },
          theme: readTheme(),
          ...readLocale(),
        }),
        onReady: props.onReady,
        onEnd: props.onEnd,
        onLeave: focusComposer,
        call: (action, data) =>
          answerOf(chat.client.call('app.action', { app, room, action, data })),
        names: (users) => answerOf(readNames(chat, users as UserId[])),
        describe: (code) => t(`problems.${code as ErrorCode}`),
      })
    } catch {
      return props.onEnd('failed')
    }
    onCleanup(frame.dispose)

    let last: number | undefined
    onCleanup(
      chat.client.listen(
        topics.deliverAppUpdated,
        { user: chat.me, app, room },
        ({ version, data }) => {
          const isNext = last === undefined || version === last + 1
          last = version
          frame.send(isNext ? { event: 'updated', data } : { event: 'stale' })
        },
      ),
    )
    onCleanup(chat.connection.onReconnect(() => frame.send({ event: 'stale' })))
    onCleanup(chat.onMissed(() => frame.send({ event: 'stale' })))
    const onChange = () => {
      frame.send({ theme: readTheme() })
      frame.send(readLocale())
    }
    onCleanup(watchAppearance(onChange))
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'F6') return
      event.preventDefault()
      frame.focus()
    }
    window.addEventListener('keydown', onKey)
    onCleanup(() => window.removeEventListener('keydown', onKey))
    container?.prepend(frame.element)
  })

  return (
    <div class="app-live" ref={container}>
      <button type="button" class="button app-back" onClick={focusComposer}>
        {t('apps.back')}
      </button>
    </div>
  )
}

function focusComposer() {
  document.getElementById('composer')?.focus()
}

async function answerOf(work: Promise<unknown>): Promise<Answer> {
  try {
    return { value: await work }
  } catch (error) {
    if (!isCallError(error)) return { error: { code: 'internal', message: 'The call failed' } }
    const { code, message, retryAfterMs } = error
    return { error: { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } }
  }
}

async function readNames({ people }: Chat, users: readonly UserId[]) {
  await people.loadNames(users)
  return Object.fromEntries(users.map((user) => [user, people.name(user)]))
}
