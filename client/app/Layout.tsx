import './layout.css'
import { createEffect, createSignal, For, lazy, Match, onMount, Suspense, Switch } from 'solid-js'
import type { RoomId } from '#schema/ids'
import { ChatContext, type ChatOptions, createChat } from '../chat/createChat.ts'
import { RoomView } from '../conversation/RoomView.tsx'
import { useLanguage } from '../i18n/createLanguage.ts'
import { problemOf } from '../i18n/problem.ts'
import { CardContext, createCard } from '../people/createUserCard.ts'
import { WayBack } from '../routing/BackButton.tsx'
import { type ConsolePart, createPlace, PlaceContext } from '../routing/createRoute.ts'
import { createRoomLists } from '../sidebar/createRoomLists.ts'
import { Sidebar } from '../sidebar/Sidebar.tsx'
import { CopyTextContext } from '../text/copy.ts'
import { Guard } from '../ui/AppErrorBoundary.tsx'
import { CopyContext, createCopy } from '../ui/createClipboard.ts'
import { createNotes } from '../ui/createToasts.ts'
import { keys } from '../ui/keyLabels.ts'
import { later, loadParts, startLater } from '../ui/lazyPart.tsx'
import { AnnounceContext, createAnnouncer, createFailureWord } from '../ui/liveRegion.ts'
import { LinkBanner } from './ConnectionBanner.tsx'
import { createShortcuts } from './createShortcuts.ts'

export type OpenDialog = 'switcher' | 'settings' | 'shortcuts' | 'create' | 'browse' | 'direct'

const CopyDialog = later(async () => (await import('../ui/CopyDialog.tsx')).CopyDialog)
const SettingsDialog = later(
  async () => (await import('../settings/SettingsDialog.tsx')).SettingsDialog,
)
const ShortcutsDialog = later(
  async () => (await import('../settings/ShortcutsDialog.tsx')).ShortcutsDialog,
)
const Tips = later(async () => (await import('../ui/Tooltip.tsx')).Tips)
const PersonCard = later(async () => (await import('../people/UserCard.tsx')).PersonCard)
const Switcher = later(async () => (await import('../sidebar/QuickSwitcher.tsx')).Switcher)

/** The chat of one person: their rooms on one side, the one they look at beside them. */
export function ChatShell(
  props: Omit<ChatOptions, 'onMessage' | 'onMissed' | 'onGone' | 'onFailure'> & {
    onLogout: () => void
  },
) {
  const { t, tn, code } = useLanguage()
  const places = createPlace()
  const [dialog, setDialog] = createSignal<OpenDialog>()
  const { notes, say } = createNotes()
  const { lines, announce } = createAnnouncer()
  const card = createCard()
  const copy = createCopy(() => say(t('places.copied')))
  const chat = createChat({
    client: props.client,
    connection: props.connection,
    identity: props.identity,
    kept: props.kept,
    onMessage: (notice, room) => notifications((it) => void it.hear(notice, room)),
    onMissed: (room, before) => notifications((it) => void it.catchUp(room, before)),
    onGone(room, why) {
      const isShown = places.place().room === room.id
      if (isShown) places.go({}, 'replace')
      if (why === 'kick') say(t('rooms.kicked', { room: room.name }))
      if (why === 'archive') say(t('rooms.archived', { room: room.name }))
      if (why === 'meanwhile' && isShown) say(t('rooms.gone', { room: room.name }))
    },
    onFailure: (why) =>
      say(why === 'away' ? t('app.away') : t('app.failed', { error: problemOf(t, why) })),
  })
  const notifications = startLater(async () => {
    const { createBackground } = await import('./createBackgroundTasks.ts')
    return () => createBackground(chat, props.kept, places, tn)
  })
  const lists = createRoomLists(chat, code)
  createFailureWord(chat, announce)

  onMount(loadParts)

  createShortcuts({
    chat,
    places,
    lists,
    onSwitcher: () => setDialog((open) => (open === 'switcher' ? undefined : 'switcher')),
    onHelp: () => setDialog('shortcuts'),
  })

  const isConsole = () => places.place().console !== undefined

  // Whoever has been in a room comes back to it.
  createEffect(() => {
    const { room } = places.place()
    if (room) props.kept.write('last room', room)
  })
  const isNowhere = () => !places.place().room && !isConsole()
  if (isNowhere() && window.matchMedia('(min-width: 700px)').matches)
    void props.kept.read<RoomId>('last room').then((room) => {
      if (room && isNowhere()) places.go({ room }, 'replace')
    })

  return (
    <ChatContext.Provider value={chat}>
      <CopyContext.Provider value={copy}>
        <CopyTextContext.Provider value={copy.attempt}>
          <PlaceContext.Provider value={places}>
            <AnnounceContext.Provider value={announce}>
              <CardContext.Provider value={card}>
                <a class="skip-link" href="#main">
                  {t('app.skip')}
                </a>
                <div
                  class="shell"
                  classList={{ 'has-room': places.place().room !== undefined || isConsole() }}
                >
                  <Sidebar
                    lists={lists}
                    onOpen={setDialog}
                    open={dialog()}
                    onClose={() => setDialog()}
                    onLogout={props.onLogout}
                  />
                  <main id="main" class="shell-main" tabIndex={-1}>
                    <LinkBanner />
                    <Switch fallback={<Nothing />}>
                      <Match when={places.place().room} keyed>
                        {(room) => (
                          <Guard onRetry={() => chat.forgetKept(room)}>
                            <RoomView room={room} />
                          </Guard>
                        )}
                      </Match>
                      <Match when={isConsole() && chat.isAdmin && places.place().console}>
                        {(part) => (
                          <Guard>
                            <ConsolePlace part={part()} />
                          </Guard>
                        )}
                      </Match>
                      <Match when={isConsole()}>
                        <NotFound />
                      </Match>
                    </Switch>
                  </main>
                </div>
                <Switcher isOpen={dialog() === 'switcher'} onClose={() => setDialog()} />
                <SettingsDialog isOpen={dialog() === 'settings'} onClose={() => setDialog()} />
                <ShortcutsDialog isOpen={dialog() === 'shortcuts'} onClose={() => setDialog()} />
                {/* Not open: it comes with what is loaded when all else is there. */}
                <Tips isOpen={false} />
                <CopyDialog isOpen={copy.byHand() !== undefined} />
                <div class="notes" role="status" aria-live="polite">
                  <For each={notes()}>{(note) => <p class="note">{note}</p>}</For>
                </div>
                <div class="visually-hidden announcer" aria-live="polite" aria-relevant="additions">
                  <For each={lines()}>{({ sentence }) => <p>{sentence}</p>}</For>
                </div>
                <PersonCard isOpen={card.shown() !== undefined} />
              </CardContext.Provider>
            </AnnounceContext.Provider>
          </PlaceContext.Provider>
        </CopyTextContext.Provider>
      </CopyContext.Provider>
    </ChatContext.Provider>
  )
}

function ConsolePlace(props: { part: ConsolePart }) {
  // For few people, and so not among what is loaded beforehand. Whoever tries again asks for it anew.
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
      <WayBack />
    </div>
  )
}

function Nothing() {
  const { t } = useLanguage()
  return (
    <div class="nothing">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{t('room.pick')}</h1>
      <p>{t('room.pickHint', { keys: keys(t).switcher })}</p>
    </div>
  )
}
