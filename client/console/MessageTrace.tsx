import './trace.css'
import { createResource, For, Match, Show, Switch } from 'solid-js'
import { toNotifyId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { useConsoleWords } from './useWords.ts'
import { Waterfall } from './Waterfall.tsx'

export function MessageTrace(props: {
  isOpen: boolean
  item: TimelineMessage | undefined
  onClose: () => void
}) {
  const { w } = useConsoleWords()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={w('pathTitle')} isWide>
      <Show when={props.item} keyed>
        {(item) => <MessagePath item={item} />}
      </Show>
    </Dialog>
  )
}

function MessagePath(props: { item: TimelineMessage }) {
  const chat = useChat()
  const { w, clock } = useConsoleWords()
  const [trace, { refetch }] = createResource(() =>
    callWithRetry(chat.client, 'msg.trace', { notifyId: toNotifyId(props.item) }),
  )
  const failure = () => (trace.error as Error | undefined)?.message
  const path = () => (trace.state === 'ready' ? trace() : undefined)
  const persistedAt = () => {
    const persisted = path()?.spans.find(({ name }) => name.startsWith('persist'))
    return persisted && persisted.at + persisted.ms
  }
  const facts = () =>
    [
      [w('pathWritten'), path()?.writtenAt],
      [w('pathReceived'), path()?.at],
      [w('pathStored'), path()?.storedAt],
      [w('pathPersisted'), persistedAt()],
    ] as const

  return (
    <div class="path">
      <Switch fallback={<p role="status">{w('loading')}</p>}>
        <Match when={failure()}>
          {(error) => (
            <p class="problem" role="alert">
              {w('failed', { error: error() })}{' '}
              <button type="button" class="text-button" onClick={() => void refetch()}>
                {w('retry')}
              </button>
            </p>
          )}
        </Match>
        <Match when={path()}>
          {(path) => (
            <>
              <dl class="path-facts">
                <For each={facts()}>
                  {([label, at]) => (
                    <Show when={at}>
                      {(time) => (
                        <div>
                          <dt>{label}</dt>
                          <dd>{clock(time())}</dd>
                        </div>
                      )}
                    </Show>
                  )}
                </For>
              </dl>
              <Show
                when={path().spans.length > 0}
                fallback={<p class="muted">{w('pathExpired')}</p>}
              >
                <Waterfall spans={path().spans} />
                <p class="muted">{w('pathClocks')}</p>
              </Show>
            </>
          )}
        </Match>
      </Switch>
    </div>
  )
}
