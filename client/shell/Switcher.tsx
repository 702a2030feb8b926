import { createEffect, createMemo, createSignal, For, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from './Avatar.tsx'
import { usePlace } from './createPlace.ts'
import { Icon } from './Icon.tsx'
import { ModalDialog } from './ModalDialog.tsx'

const most = 12

/** Goes to any room by a few letters of its name. */
export function Switcher(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <ModalDialog isOpen={props.isOpen} onClose={props.onClose} title={t('switcher.label')}>
      <Choices onClose={props.onClose} />
    </ModalDialog>
  )
}

function Choices(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = usePlace()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const [at, setAt] = createSignal(0)
  const found = createMemo(() => {
    const wanted = text().trim().toLowerCase()
    return chat.rooms
      .list()
      .map((room) => ({ room, title: chat.titleOf(room) }))
      .filter(({ room, title }) => `${title} ${room.id}`.toLowerCase().includes(wanted))
      .sort((a, b) => rank(b.room) - rank(a.room) || b.room.lastSeq - a.room.lastSeq)
      .slice(0, most)
  })
  createEffect(() => {
    text()
    setAt(0)
  })

  function pick(index: number) {
    const chosen = found()[index]
    if (!chosen) return
    props.onClose()
    go({ room: chosen.room.id })
  }

  function onKey(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt((now) => (now + step + found().length) % Math.max(1, found().length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      pick(at())
    }
  }

  return (
    <div class="form">
      <input
        class="input"
        role="combobox"
        aria-expanded="true"
        aria-controls="switcher-list"
        aria-activedescendant={found().length > 0 ? `switcher-${at()}` : undefined}
        aria-label={t('switcher.hint')}
        placeholder={t('switcher.hint')}
        autocomplete="off"
        value={text()}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={onKey}
      />
      <div id="switcher-list" class="picks" role="listbox" aria-label={t('switcher.label')}>
        <For each={found()} fallback={<p class="list-empty">{t('switcher.nothing')}</p>}>
          {({ room, title }, index) => (
            <div
              id={`switcher-${index()}`}
              class="pick"
              classList={{ 'is-unread': room.unread > 0 && !chat.notify.isMuted(room.id) }}
              role="option"
              tabIndex={-1}
              aria-selected={index() === at()}
              onPointerMove={() => setAt(index())}
              onClick={() => pick(index())}
              onKeyDown={onKey}
            >
              <Show
                when={room.with}
                fallback={<Icon name={room.kind === 'private' ? 'lock' : 'hash'} />}
              >
                {(user) => <Avatar user={user()} hasStatus isSmall />}
              </Show>
              <span class="pick-text">
                <strong>{title}</strong>
              </span>
              <Show when={room.unread > 0}>
                <span class="badge" classList={{ 'is-quiet': chat.notify.loudIn(room) === 0 }}>
                  {room.unread > 99 ? '99+' : room.unread}
                </span>
              </Show>
            </div>
          )}
        </For>
      </div>
    </div>
  )
}

function rank({ unread, mentions }: { unread: number; mentions: number }): number {
  return mentions > 0 ? 2 : unread > 0 ? 1 : 0
}
