import './composer.css'
import { createEffect, createSignal, createUniqueId, onMount, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useConversation } from '../messages/createConversation.ts'
import { ErrorText } from '../ui/ErrorText.tsx'
import { Icon } from '../ui/Icon.tsx'
import { lazyMenu } from '../ui/lazyMenu.tsx'
import { lazyPart } from '../ui/lazyPart.tsx'
import type { CompletionHandle } from './Completion.tsx'
import { findCompletionQuery } from './completionQuery.ts'
import { createDraft } from './createDraft.ts'
import { TypingIndicator } from './TypingIndicator.tsx'
import { markOf, replaceText, toggleMark } from './textEditing.ts'

const Completion = lazyPart(async () => (await import('./Completion.tsx')).Completion)
const GroupMentionDialog = lazyPart(
  async () => (await import('./GroupMentionDialog.tsx')).GroupMentionDialog,
)
const EmojiPicker = lazyMenu(async () => (await import('../emoji/EmojiPicker.tsx')).EmojiPicker)

export function Composer(props: { label: string }) {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const conversation = useConversation()
  const { room, threadId, editing, setEditing, editLast } = conversation
  const draft = createDraft(chat, conversation, () => field?.focus())
  const { text, change, tooMuch, problem, submit } = draft
  const [caret, setCaret] = createSignal(0)
  const [isWriting, setWriting] = createSignal(false)
  const [dismissedStart, setDismissedStart] = createSignal<number>()
  const [completion, setCompletion] = createSignal<CompletionHandle>()
  const listId = createUniqueId()
  let field: HTMLTextAreaElement | undefined

  onMount(() => {
    if (window.matchMedia('(hover: hover)').matches) field?.focus()
  })
  createEffect(() => {
    text()
    queueMicrotask(grow)
  })

  const query = () => findCompletionQuery(text().slice(0, caret()))
  const activeQuery = () => {
    const current = isWriting() ? query() : undefined
    return current?.start === dismissedStart() ? undefined : current
  }
  createEffect(() => query()?.start !== dismissedStart() && setDismissedStart())

  function grow() {
    if (!field) return
    field.style.blockSize = 'auto'
    field.style.blockSize = `${Math.min(field.scrollHeight, window.innerHeight * 0.4)}px`
  }

  function complete(suggestion: string) {
    const start = query()?.start
    if (field && start !== undefined) replaceText(field, [start, caret()], suggestion)
  }

  function insert(emoji: string) {
    if (field) replaceText(field, [field.selectionStart, field.selectionEnd], emoji)
  }

  function onKey(event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }) {
    if (activeQuery() && completion()?.handleKey(event)) return event.preventDefault()
    const mark = markOf(event)
    if (mark) {
      event.preventDefault()
      toggleMark(event.currentTarget, mark)
    } else if (event.key === 'Enter' && !event.shiftKey) {
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

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <Show when={activeQuery()}>
        {(current) => (
          <Completion
            query={current()}
            listId={listId}
            onChoose={complete}
            onDismiss={() => setDismissedStart(current().start)}
            onReady={setCompletion}
          />
        )}
      </Show>
      <Show when={editing()}>
        <p class="composer-note">{t('composer.editing')}</p>
      </Show>
      <Show when={draft.unconfirmed()}>
        {(names) => (
          <GroupMentionDialog names={names()} onSend={() => submit(true)} onClose={draft.cancel} />
        )}
      </Show>
      <ErrorText error={problem()} />
      <div class="composer-box">
        <textarea
          ref={(element) => {
            field = element
          }}
          id={threadId === undefined ? 'composer' : 'thread-composer'}
          rows={1}
          aria-label={props.label}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={completion()?.activeId() === undefined ? undefined : listId}
          aria-activedescendant={completion()?.activeId()}
          placeholder={props.label}
          value={text()}
          onInput={({ currentTarget }) => {
            setWriting(true)
            setCaret(currentTarget.selectionStart)
            change(currentTarget.value)
            conversation.cancelAwaitedEdit()
            chat.members.ensureLoaded(room.id)
            if (currentTarget.value !== '' && !editing()) chat.typing.publish(room.id, threadId)
          }}
          onKeyUp={({ currentTarget }) => setCaret(currentTarget.selectionStart)}
          onClick={({ currentTarget }) => setCaret(currentTarget.selectionStart)}
          onBlur={() => setWriting(false)}
          onKeyDown={onKey}
        />
        <Show when={editing()}>
          <button type="button" class="button" onClick={() => setEditing(undefined)}>
            {t('composer.cancel')}
          </button>
        </Show>
        <EmojiPicker class="icon-button" label={t('composer.emoji')} onPick={insert}>
          <Icon name="smile" />
        </EmojiPicker>
        <button
          type="submit"
          class="icon-button send-button"
          aria-label={t(editing() ? 'composer.save' : 'composer.send')}
          data-tip={t('composer.hint')}
          disabled={text().trim() === '' || tooMuch() > 0}
        >
          <Icon name={editing() ? 'check' : 'send'} />
        </button>
      </div>
      <div class="composer-foot">
        <p role="status" class="problem">
          {tooMuch() > 0 ? tn('composer.tooLong', tooMuch()) : ''}
        </p>
        <Show when={tooMuch() === 0}>
          <p>
            <TypingIndicator />
          </p>
        </Show>
      </div>
    </form>
  )
}
