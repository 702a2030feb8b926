import './apps.css'
import { createMemo, createResource, createSignal, For, type JSX, onCleanup, Show } from 'solid-js'
import { topics } from '#schema/contracts'
import type { App, AppId } from '#schema/messages/app'
import type { MyRoom } from '#schema/messages/room'
import { hasRight } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { IconButton } from '../ui/IconButton.tsx'
import { latestOf } from '../ui/SearchStatus.tsx'
import { AppView } from './AppView.tsx'

/** Lists the apps of a room, or runs one of them. */
export function AppsPanel(props: {
  room: MyRoom
  /** The app that runs; undefined while the panel lists the apps. */
  openId: AppId | undefined
  onOpen: (app?: AppId) => void
  onClose: () => void
}) {
  const chat = useChat()
  const { t } = useLanguage()
  const room = props.room.id
  const [installed, { refetch }] = createResource(() =>
    callWithRetry(chat.client, 'apps.room', { room }),
  )
  const mayManage = () => hasRight(props.room, 'manageApps')
  const [all] = createResource(mayManage, () => callWithRetry(chat.client, 'apps.list', {}))
  onCleanup(
    chat.client.listen(topics.deliverAppInstalled, { user: chat.me, room }, () => void refetch()),
  )
  onCleanup(chat.connection.onReconnect(() => void refetch()))
  onCleanup(chat.onMissed(() => void refetch()))

  const [isWide, setWide] = createSignal(false)
  // If the apps are the same after a refetch, their rows are not recreated: recreated rows would lose
  // the focus, and a click that has begun.
  const apps = createMemo(() => latestOf(installed) ?? [], [], {
    equals: (before, now) => JSON.stringify(before) === JSON.stringify(now),
  })
  const others = () =>
    (latestOf(all) ?? []).filter(({ id }) => !apps().some((app) => app.id === id))
  const open = () => apps().find(({ id }) => id === props.openId)
  const isRemoved = () => props.openId !== undefined && installed.state === 'ready' && !open()

  const change = (name: 'apps.install' | 'apps.uninstall', app: AppId) =>
    void chat.attempt(async () => {
      await chat.client.call(name, { room, app })
      await refetch()
    })

  /** Shows the list of apps, and refetches it, because an app's component may have been updated. */
  function showAll() {
    props.onOpen()
    void refetch()
  }

  return (
    <section
      class="panel"
      classList={{ 'is-wide': isWide() && open() !== undefined }}
      aria-label={open()?.name ?? t('apps.title')}
    >
      <header class="room-head">
        <Show when={props.openId !== undefined}>
          <IconButton icon="back" label={t('apps.all')} onClick={showAll} />
        </Show>
        <h2 class="cut" dir="auto">
          {open()?.name ?? t('apps.title')}
        </h2>
        <Show when={open()}>
          <span class="app-widen">
            <IconButton
              icon={isWide() ? 'narrow' : 'widen'}
              label={t(isWide() ? 'apps.narrow' : 'apps.widen')}
              onClick={() => setWide((wide) => !wide)}
            />
          </span>
        </Show>
        <IconButton icon="close" label={t('apps.close')} onClick={props.onClose} />
      </header>
      <Show
        when={open()?.id}
        keyed
        fallback={
          <div class="apps">
            <Show when={isRemoved()}>
              <p class="list-empty" role="status">
                {t('apps.removed')}
              </p>
            </Show>
            <Show when={installed.state === 'ready' && apps().length === 0}>
              <p class="list-empty">{t('apps.none')}</p>
            </Show>
            <Show when={installed.state === 'errored'}>
              <p class="list-empty" role="status">
                {t('app.unreachable')}
              </p>
            </Show>
            <AppList apps={apps()}>
              {(app) => (
                <>
                  <Show when={app.componentUrl}>
                    <button
                      type="button"
                      class="button primary"
                      onClick={() => props.onOpen(app.id)}
                    >
                      {t('apps.open')} <span class="visually-hidden">{app.name}</span>
                    </button>
                  </Show>
                  <Show when={mayManage()}>
                    <button
                      type="button"
                      class="button"
                      onClick={() => change('apps.uninstall', app.id)}
                    >
                      {t('apps.removeApp')} <span class="visually-hidden">{app.name}</span>
                    </button>
                  </Show>
                </>
              )}
            </AppList>
            <Show when={mayManage() && others().length > 0}>
              <h3>{t('apps.available')}</h3>
              <AppList apps={others()} hasNeeds>
                {(app) => (
                  <button
                    type="button"
                    class="button"
                    onClick={() => change('apps.install', app.id)}
                  >
                    {t('apps.add')} <span class="visually-hidden">{app.name}</span>
                  </button>
                )}
              </AppList>
            </Show>
          </div>
        }
      >
        {(id) => (
          <Show when={apps().find((app) => app.id === id)}>
            {(app) => <AppView room={props.room} app={app()} />}
          </Show>
        )}
      </Show>
    </section>
  )
}

function AppList(props: {
  apps: readonly App[]
  /** If true, marks the apps that may post messages. */
  hasNeeds?: boolean
  children: (app: App) => JSX.Element
}) {
  const { t } = useLanguage()
  return (
    <ul>
      <For each={props.apps}>
        {(app) => (
          <li class="app-row">
            <div class="app-name">
              <strong class="cut" dir="auto">
                {app.name}
              </strong>
              <Show when={props.hasNeeds && app.needs.includes('post')}>
                <small class="muted">{t('apps.posts')}</small>
              </Show>
            </div>
            {props.children(app)}
          </li>
        )}
      </For>
    </ul>
  )
}
