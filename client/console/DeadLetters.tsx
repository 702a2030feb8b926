import { createSignal, For, Show } from 'solid-js'
import type { DeadLetter } from '#schema/messages/console'
import { useChat } from '../chat/createChat.ts'
import { ModalDialog } from '../shell/ModalDialog.tsx'
import { createDeadLetters, type Deed } from './createDeadLetters.ts'
import { useWords } from './useWords.ts'

/** What functions could not handle: why, where from, and what is to become of it. */
export function DeadLetters() {
  const chat = useChat()
  const { w, dateTime } = useWords()
  const dead = createDeadLetters(chat.client)
  const [asked, setAsked] = createSignal<{ deed: Deed; letter: DeadLetter }>()
  const [isBusy, setBusy] = createSignal(false)
  const [note, setNote] = createSignal('')
  const [failure, setFailure] = createSignal('')

  async function act() {
    const wanted = asked()
    if (!wanted || isBusy()) return
    setBusy(true)
    setNote('')
    setFailure('')
    const outcome = await dead.act(wanted.deed, wanted.letter)
    setBusy(false)
    if (outcome.is === 'failed') return setFailure(outcome.error)
    setAsked()
    if (outcome.is === 'gone') setNote(w('wasGone'))
    else setNote(w(`${wanted.deed}ed`, { name: wanted.letter.service }))
  }
  const open = (deed: Deed, letter: DeadLetter) => {
    setFailure('')
    setAsked({ deed, letter })
  }

  return (
    <div class="console-main">
      <p class="console-lead">{w('deadHint')}</p>
      <div class="console-filter">
        <button type="button" class="button" onClick={() => void dead.refresh()}>
          {w('refresh')}
        </button>
        <span class="muted" role="status">
          {note() || w('of', { shown: dead.letters()?.length ?? 0, total: dead.total() })}
        </span>
      </div>
      <Show when={dead.problem()}>
        {(error) => (
          <p class="problem" role="alert">
            {w('failed', { error: error() })}
          </p>
        )}
      </Show>
      <Show when={dead.letters()?.length === 0}>
        <p class="console-empty">{w('noDead')}</p>
      </Show>
      <ul class="letters">
        <For each={dead.letters()}>
          {(letter) => (
            <li class="letter" aria-labelledby={`letter-${letter.seq}`}>
              <h2 id={`letter-${letter.seq}`}>{letter.service}</h2>
              <time class="muted" dateTime={letter.at}>
                {dateTime(letter.at)}
              </time>
              <p class="letter-reason">{letter.reason}</p>
              <p class="muted">
                <bdi>{letter.subject}</bdi> · {letter.stream} {letter.sequence} ·{' '}
                {letter.deliveries}× · {letter.bytes} B
              </p>
              <div class="letter-actions">
                <button type="button" class="button" onClick={() => open('replay', letter)}>
                  {w('replay')}
                </button>
                <button type="button" class="button danger" onClick={() => open('discard', letter)}>
                  {w('discard')}
                </button>
              </div>
            </li>
          )}
        </For>
      </ul>
      <Show when={dead.hasMore()}>
        <button type="button" class="button" onClick={() => void dead.more()}>
          {w('more')}
        </button>
      </Show>
      <ModalDialog
        isOpen={asked() !== undefined}
        onClose={() => setAsked()}
        title={w(asked()?.deed === 'discard' ? 'discardAsk' : 'replayAsk')}
      >
        <div class="form">
          <p>
            {w(asked()?.deed === 'discard' ? 'discardText' : 'replayText', {
              name: asked()?.letter.service ?? '',
            })}
          </p>
          <p class="letter-reason">{asked()?.letter.reason}</p>
          <Show when={failure()}>
            <p class="problem" role="alert">
              {failure()}
            </p>
          </Show>
          <div class="form-actions">
            <button type="button" class="button" onClick={() => setAsked()}>
              {w('cancel')}
            </button>
            <button
              type="button"
              class="button primary"
              disabled={isBusy()}
              onClick={() => void act()}
            >
              {w(asked()?.deed ?? 'replay')}
            </button>
          </div>
        </div>
      </ModalDialog>
    </div>
  )
}
