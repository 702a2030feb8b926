import { createSignal, For, Show } from 'solid-js'
import type { DeadLetter } from '#schema/messages/console'
import { useChat } from '../chat/createChat.ts'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { createDeadLetters, type DeadLetterAction } from './createDeadLetters.ts'
import { useConsoleWords } from './useWords.ts'

/** What functions could not handle: why, where from, and what is to become of it. */
export function DeadLettersView() {
  const chat = useChat()
  const { w, dateTime } = useConsoleWords()
  const dead = createDeadLetters(chat.client)
  const [asked, setAsked] = createSignal<{ deed: DeadLetterAction; letter: DeadLetter }>()
  const [note, setNote] = createSignal('')

  async function act() {
    const wanted = asked()
    if (!wanted) return
    setNote('')
    const outcome = await dead.act(wanted.deed, wanted.letter)
    if (outcome.status === 'failed') throw new Error(outcome.error)
    if (outcome.status === 'gone') setNote(w('wasGone'))
    else setNote(w(`${wanted.deed}ed`, { name: wanted.letter.service }))
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
                <button
                  type="button"
                  class="button"
                  onClick={() => setAsked({ deed: 'replay', letter })}
                >
                  {w('replay')}
                </button>
                <button
                  type="button"
                  class="button danger"
                  onClick={() => setAsked({ deed: 'discard', letter })}
                >
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
      <ConfirmDialog
        isOpen={asked() !== undefined}
        onClose={() => setAsked()}
        title={w(asked()?.deed === 'discard' ? 'discardAsk' : 'replayAsk')}
        deed={w(asked()?.deed ?? 'replay')}
        isDanger={asked()?.deed === 'discard'}
        onConfirm={act}
      >
        <p>
          {w(asked()?.deed === 'discard' ? 'discardText' : 'replayText', {
            name: asked()?.letter.service ?? '',
          })}
        </p>
        <p class="letter-reason">{asked()?.letter.reason}</p>
      </ConfirmDialog>
    </div>
  )
}
