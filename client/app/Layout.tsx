import './layout.css'
// Several lazy chunks share these styles. The imports put them into the first style sheet.
import '../ui/icon.css'
import '../ui/menu.css'
import '../ui/dialog.css'
import '../ui/radioGroup.css'
import '../ui/searchList.css'
import { createEffect, createSignal, For, lazy, Match, onMount, Suspense, Switch } from 'solid-js'
import type { RoomId } from '#schema/ids'
import { ChatContext, type ChatOptions, createChat, useChat } from '../chat/createChat.ts'
import type { LocalStore } from '../chat/localStore.ts'
import { RoomView } from '../conversation/RoomView.tsx'
import { useLanguage } from '../i18n/createLanguage.ts'
import { errorText } from '../i18n/problem.ts'
import { createUserCard, UserCardContext } from '../people/createUserCard.ts'
import { BackButton } from '../routing/BackButton.tsx'
import {
  type ConsolePart,
  createRoute,
  RouteContext,
  type Router,
  useRoute,
} from '../routing/createRoute.ts'
import type { OpenDialog } from '../routing/dialogs.ts'
import { useSettings } from '../settings/context.ts'
import { createRoomLists } from '../sidebar/createRoomLists.ts'
import { Sidebar } from '../sidebar/Sidebar.tsx'
import { CopyTextContext } from '../text/copy.ts'
import { AppErrorBoundary } from '../ui/AppErrorBoundary.tsx'
import { ClipboardContext, createClipboard } from '../ui/createClipboard.ts'
import { createToasts } from '../ui/createToasts.ts'
import { lazyInstance, lazyPart, preloadParts } from '../ui/lazyPart.tsx'
import { AnnounceContext, createAnnouncer, createFailureAnnouncer } from '../ui/liveRegion.ts'
import { ConnectionBanner } from './ConnectionBanner.tsx'
import { createShortcuts } from './createShortcuts.ts'

const Welcome = lazyPart(async () => (await import('../rooms/Welcome.tsx')).Welcome)
const CopyDialog = lazyPart(async () => (await import('../ui/CopyDialog.tsx')).CopyDialog)
const SettingsDialog = lazyPart(
  async () => (await import('../settings/SettingsDialog.tsx')).SettingsDialog,
)
const ShortcutsDialog = lazyPart(
  async () => (await import('../settings/ShortcutsDialog.tsx')).ShortcutsDialog,
)
const Tooltips = lazyPart(async () => (await import('../ui/Tooltip.tsx')).Tooltips)
const UserCard = lazyPart(async () => (await import('../people/UserCard.tsx')).UserCard)
const QuickSwitcher = lazyPart(
  async () => (await import('../sidebar/QuickSwitcher.tsx')).QuickSwitcher,
)

export function Layout(
  props: Omit<ChatOptions, 'onMessage' | 'onMissed' | 'onRemoved' | 'onFailure'> & {
    onLogout: () => void
  },
) {
  const language = useLanguage()
  const { t, code } = language
  const settings = useSettings()
  const router = createRoute()
  const [dialog, setDialog] = createSignal<OpenDialog>()
  const { toasts, show: showToast } = createToasts()
  const { lines, announce } = createAnnouncer()
  const card = createUserCard()
  const clipboard = createClipboard(() => showToast(t('links.copied')))
  const chat = createChat({
    client: props.client,
    connection: props.connection,
    identity: props.identity,
    localStore: props.localStore,
    onMessage: (notice, room) => withTasks((tasks) => void tasks.onMessage(notice, room)),
    onMissed: (room, before) => withTasks((tasks) => void tasks.onMissed(room, before)),
    onRemoved(room, reason) {
      const isShown = router.route().room === room.id
      if (isShown) router.go({}, 'replace')
      if (reason === 'kick') showToast(t('rooms.kicked', { room: room.name }))
      if (reason === 'archive') showToast(t('rooms.archived', { room: room.name }))
      if (reason === 'meanwhile' && isShown) showToast(t('rooms.left', { room: room.name }))
    },
    // After a restore of the server's event log, any part of the page may show events that no longer
    // exist.
    onLogReplaced: () => window.location.reload(),
    onFailure: (reason) =>
      showToast(
        reason === 'disconnected'
          ? t('app.unreachable')
          : t('app.failed', { error: errorText(t, reason) }),
      ),
  })
  const withTasks = lazyInstance(async () => {
    const { createBackgroundTasks } = await import('./createBackgroundTasks.ts')
    return () => createBackgroundTasks(chat, props.localStore, router, language, settings)
  })
  const lists = createRoomLists(chat, code)
  createFailureAnnouncer(chat, announce)

  onMount(preloadParts)

  createShortcuts({
    chat,
    router,
    lists,
    onSwitcher: () => setDialog((open) => (open === 'switcher' ? undefined : 'switcher')),
    onHelp: () => setDialog('shortcuts'),
  })

  restoreLastRoom(router, props.localStore)
  const hasContent = () => {
    const { room, console } = router.route()
    return room !== undefined || console !== undefined
  }

  return (
    <ChatContext.Provider value={chat}>
      <ClipboardContext.Provider value={clipboard}>
        <CopyTextContext.Provider value={clipboard.tryCopy}>
          <RouteContext.Provider value={router}>
            <AnnounceContext.Provider value={announce}>
              <UserCardContext.Provider value={card}>
                <a class="skip-link" href="#main">
                  {t('app.skip')}
                </a>
                <div class="shell" classList={{ 'has-room': hasContent() }}>
                  <Sidebar
                    lists={lists}
                    onOpen={setDialog}
                    open={dialog()}
                    onClose={() => setDialog()}
                    onLogout={props.onLogout}
                  />
                  <main id="main" class="shell-main" tabIndex={-1}>
                    <ConnectionBanner />
                    <Content onOpen={setDialog} />
                  </main>
                </div>
                <QuickSwitcher isOpen={dialog() === 'switcher'} onClose={() => setDialog()} />
                <SettingsDialog isOpen={dialog() === 'settings'} onClose={() => setDialog()} />
                <ShortcutsDialog isOpen={dialog() === 'shortcuts'} onClose={() => setDialog()} />
                {/* Without `isOpen`, `lazyPart` would load the tooltips at once. With `isOpen={false}`,
                    they load only when the page is idle. */}
                <Tooltips isOpen={false} />
                <CopyDialog isOpen={clipboard.manualText() !== undefined} />
                <div class="notes" role="status" aria-live="polite">
                  <For each={toasts()}>{(toast) => <p class="note">{toast}</p>}</For>
                </div>
                <div class="visually-hidden announcer" aria-live="polite" aria-relevant="additions">
                  <For each={lines()}>{({ sentence }) => <p>{sentence}</p>}</For>
                </div>
                <UserCard isOpen={card.shown() !== undefined} />
              </UserCardContext.Provider>
            </AnnounceContext.Provider>
          </RouteContext.Provider>
        </CopyTextContext.Provider>
      </ClipboardContext.Provider>
    </ChatContext.Provider>
  )
}

/**
 * Stores which room is open. If the page starts with a URL that names neither a room nor the console,
 * opens the stored room. A page that is narrower than 700 px opens no room.
 */
function restoreLastRoom({ route, go }: Router, store: LocalStore): void {
  createEffect(() => {
    const { room } = route()
    if (room) store.write('last room', room)
  })
  const isNowhere = () => !route().room && route().console === undefined
  if (!isNowhere() || !window.matchMedia('(min-width: 700px)').matches) return
  void store.read<RoomId>('last room').then((room) => {
    if (room && isNowhere()) go({ room }, 'replace')
  })
}

function Content(props: { onOpen: (dialog: OpenDialog) => void }) {
  const chat = useChat()
  const { route } = useRoute()
  const isConsole = () => route().console !== undefined
  return (
    <Switch fallback={<Welcome onOpen={props.onOpen} />}>
      <Match when={route().room} keyed>
        {(room) => (
          <AppErrorBoundary onRetry={() => chat.deleteCachedPage(room)}>
            <RoomView room={room} onOpen={props.onOpen} />
          </AppErrorBoundary>
        )}
      </Match>
      <Match when={isConsole() && chat.isAdmin && route().console}>
        {(part) => (
          <AppErrorBoundary>
            <ConsolePage part={part()} />
          </AppErrorBoundary>
        )}
      </Match>
      <Match when={isConsole()}>
        <NotFound />
      </Match>
    </Switch>
  )
}

function ConsolePage(props: { part: ConsolePart }) {
  // Calls `lazy` at each mount, so that a retry after a failed import imports the console again.
  const Console = lazy(async () => ({ default: (await import('../console/Console.tsx')).Console }))
  return (
    <Suspense>
      <Console part={props.part} />
    </Suspense>
  )
}

function NotFound() {
  const { t } = useLanguage()
  return (
    <div class="nothing">
      <h1>{t('room.notFound')}</h1>
      <BackButton />
    </div>
  )
}
