import { createSignal, For, Show } from 'solid-js'
import type { DeadLetter } from '#schema/messages/console'
import { useChat } from '../chat/createChat.ts'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { createDeadLetters, type DeadLetterAction } from './createDeadLetters.ts'
import { useConsoleWords } from './useWords.ts'

export function DeadLettersView() {
  const chat = useChat()
  const { w, dateTime } = useConsoleWords()
  const deadLetters = createDeadLetters(chat.client)
  const [confirming, setConfirming] = createSignal<{
    action: DeadLetterAction
    letter: DeadLetter
  }>()
  const [note, setNote] = createSignal('')

  async function act() {
    const confirmed = confirming()
    if (!confirmed) return
    setNote('')
    const outcome = await deadLetters.act(confirmed.action, confirmed.letter)
    if (outcome.status === 'failed') throw new Error(outcome.error)
    if (outcome.status === 'gone') setNote(w('alreadyGone'))
    else setNote(w(`${confirmed.action}ed`, { name: confirmed.letter.service }))
  }

  return (
    <div class="console-main">
      <p class="console-lead">{w('deadHint')}</p>
      <div class="console-filter">
        <button type="button" class="button" onClick={() => void deadLetters.refresh()}>
          {w('refresh')}
        </button>
        <span class="muted" role="status">
          {note() ||
            w('of', { shown: deadLetters.letters()?.length ?? 0, total: deadLetters.total() })}
        </span>
      </div>
      <Show when={deadLetters.problem()}>
        {(error) => (
          <p class="problem" role="alert">
            {w('failed', { error: error() })}
          </p>
        )}
      </Show>
      <Show when={deadLetters.letters()?.length === 0}>
        <p class="console-empty">{w('noDead')}</p>
      </Show>
      <ul class="letters">
        <For each={deadLetters.letters()}>
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
                  onClick={() => setConfirming({ action: 'replay', letter })}
                >
                  {w('replay')}
                </button>
                <button
                  type="button"
                  class="button danger"
                  onClick={() => setConfirming({ action: 'discard', letter })}
                >
                  {w('discard')}
                </button>
              </div>
            </li>
          )}
        </For>
      </ul>
      <Show when={deadLetters.hasMore()}>
        <button type="button" class="button" onClick={() => void deadLetters.more()}>
          {w('more')}
        </button>
      </Show>
      <ConfirmDialog
        isOpen={confirming() !== undefined}
        onClose={() => setConfirming()}
        title={w(confirming()?.action === 'discard' ? 'discardAsk' : 'replayAsk')}
        confirmLabel={w(confirming()?.action ?? 'replay')}
        isDanger={confirming()?.action === 'discard'}
        onConfirm={act}
      >
        <p>
          {w(confirming()?.action === 'discard' ? 'discardText' : 'replayText', {
            name: confirming()?.letter.service ?? '',
          })}
        </p>
        <p class="letter-reason">{confirming()?.letter.reason}</p>
      </ConfirmDialog>
    </div>
  )
}
