import { createEffect, createResource, createSignal, For, on, onMount, Show } from 'solid-js'
import { mostText } from '#schema/messages/chat'
import { ask } from '../chat/ask.ts'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../shell/Avatar.tsx'
import { Icon } from '../shell/Icon.tsx'
import { useConversation } from './createConversation.ts'

/** Where something is written. What is not sent yet is still here after a reload. */
export function Composer(props: { label: string }) {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const conversation = useConversation()
  const { room, threadId, timeline, editing, setEditing, editLast, send, saveEdit } = conversation
  const place = threadId === undefined ? room.id : `${room.id}/${threadId}`
  const [text, setText] = createSignal('')
  const [caret, setCaret] = createSignal(0)
  const [chosen, setChosen] = createSignal(0)
  const [problem, setProblem] = createSignal('')
  let draft = ''
  let field: HTMLTextAreaElement | undefined

  onMount(() => {
    if (window.matchMedia('(hover: hover)').matches) field?.focus()
    change(chat.drafts.read(place))
  })
  // An edit takes the place of the draft for as long as it lasts.
  createEffect(
    on(
      editing,
      (item, before) => {
        if (item && !before) draft = text()
        if (item) change(item.text)
        else if (before) {
          chat.edits.write(place)
          change(draft)
        }
        if (item || before) field?.focus()
      },
      { defer: true },
    ),
  )
  // What was being edited when the page went is taken up again when its message is there.
  let left = chat.edits.read(place)
  createEffect(() => {
    const item = left && timeline.items().find(({ id }) => id === left?.id)
    if (!left || !item) return
    const { text: edited } = left
    left = undefined
    if (editing()) return
    setEditing(item)
    queueMicrotask(() => change(edited))
  })

  const wanted = () => /(?:^|\s)@([a-z0-9_-]{1,64})$/.exec(text().slice(0, caret()))?.[1]
  const [found] = createResource(wanted, (prefix) =>
    ask(chat.client, 'users.search', { text: prefix }),
  )
  const people = () => (wanted() === undefined ? [] : (found.latest?.users ?? []).slice(0, 8))
  createEffect(on(wanted, () => setChosen(0)))

  function change(value: string) {
    setText(value)
    const item = editing()
    if (item) chat.edits.write(place, { id: item.id, text: value })
    else chat.drafts.write(place, value)
    queueMicrotask(grow)
  }

  function grow() {
    if (!field) return
    field.style.blockSize = 'auto'
    field.style.blockSize = `${Math.min(field.scrollHeight, window.innerHeight * 0.4)}px`
  }

  function complete(userId: string) {
    const before = text()
      .slice(0, caret())
      .replace(/@[a-z0-9_-]*$/, `@${userId} `)
    change(before + text().slice(caret()))
    queueMicrotask(() => {
      field?.setSelectionRange(before.length, before.length)
      setCaret(before.length)
      field?.focus()
    })
  }

  async function submit() {
    const said = text().trim()
    const item = editing()
    if (said === '' || said.length > mostText) return
    setProblem('')
    if (!item) {
      change('')
      return send(said)
    }
    try {
      await saveEdit(item, said)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }

  function onKey(event: KeyboardEvent & { currentTarget: HTMLElement }) {
    if (event.isComposing) return
    if (people().length > 0 && onCompletionKey(event)) return event.preventDefault()
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      void submit()
    } else if (event.key === 'ArrowUp' && event.altKey) {
      event.preventDefault()
      const messages = event.currentTarget
        .closest('.room-main, .panel')
        ?.querySelectorAll('article')
      ;[...(messages ?? [])].at(-1)?.focus()
    } else if (event.key === 'ArrowUp' && text() === '' && !editing()) {
      event.preventDefault()
      editLast()
    } else if (event.key === 'Escape' && editing()) {
      event.preventDefault()
      setEditing(undefined)
    }
  }

  function onCompletionKey({ key }: KeyboardEvent): boolean {
    const count = people().length
    if (key === 'ArrowDown') setChosen((at) => (at + 1) % count)
    else if (key === 'ArrowUp') setChosen((at) => (at - 1 + count) % count)
    else if (key === 'Enter' || key === 'Tab') complete(people()[chosen()]?.userId ?? '')
    else return false
    return true
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <Show when={people().length > 0}>
        <div id="mention-list" class="menu completion" role="listbox" aria-label="@">
          <For each={people()}>
            {({ userId, name }, index) => (
              <div
                id={`mention-${index()}`}
                role="option"
                tabIndex={-1}
                class="menu-item"
                aria-selected={index() === chosen()}
                onPointerDown={(event) => {
                  event.preventDefault()
                  complete(userId)
                }}
              >
                <Avatar user={userId} isSmall hasStatus />
                <strong>{name}</strong>
                <span class="muted">@{userId}</span>
              </div>
            )}
          </For>
        </div>
      </Show>
      <Show when={editing()}>
        <p class="composer-note">{t('composer.editing')}</p>
      </Show>
      <Show when={problem()}>
        <p class="problem" role="alert">
          {problem()}
        </p>
      </Show>
      <div class="composer-box">
        <textarea
          ref={(element) => {
            field = element
          }}
          id={threadId === undefined ? 'composer' : 'thread-composer'}
          rows={1}
          aria-label={props.label}
          aria-autocomplete="list"
          aria-controls={people().length > 0 ? 'mention-list' : undefined}
          aria-activedescendant={people().length > 0 ? `mention-${chosen()}` : undefined}
          placeholder={props.label}
          value={text()}
          onInput={({ currentTarget }) => {
            setCaret(currentTarget.selectionStart)
            change(currentTarget.value)
            conversation.forgetAwaited()
            if (currentTarget.value !== '' && !editing()) chat.typing.say(room.id, threadId)
          }}
          onKeyUp={({ currentTarget }) => setCaret(currentTarget.selectionStart)}
          onKeyDown={onKey}
        />
        <Show when={editing()}>
          <button type="button" class="button" onClick={() => setEditing(undefined)}>
            {t('composer.cancel')}
          </button>
        </Show>
        <button
          type="submit"
          class="icon-button send-button"
          aria-label={t(editing() ? 'composer.save' : 'composer.send')}
          data-tip={t('composer.hint')}
          disabled={text().trim() === '' || text().length > mostText}
        >
          <Icon name={editing() ? 'check' : 'send'} />
        </button>
      </div>
      <p class="composer-foot" aria-live="polite">
        <Show when={text().length > mostText} fallback={<WhoTypes />}>
          <span class="problem">{tn('composer.tooLong', text().length - mostText)}</span>
        </Show>
      </p>
    </form>
  )
}

function WhoTypes() {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const { room, threadId } = useConversation()
  const who = () => chat.typing.who(room.id, threadId)
  return (
    <Show when={who().length > 0}>
      {who().length === 1
        ? t('composer.oneTypes', {
            name: who()
              .map((user) => chat.people.name(user))
              .join(),
          })
        : tn('composer.manyType', who().length)}
    </Show>
  )
}
