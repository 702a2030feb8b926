import { Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import type { PendingMessage } from '../chat/createSendQueue.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { failureText } from '../i18n/problem.ts'
import { Avatar } from '../people/Avatar.tsx'
import { MessageText } from '../text/MessageText.tsx'
import { Icon } from '../ui/Icon.tsx'

export function PendingRow(props: { outgoing: PendingMessage; isFirst: boolean }) {
  const chat = useChat()
  const { t, timeOf } = useLanguage()
  return (
    <article
      tabIndex={-1}
      class="message is-outgoing"
      classList={{ 'is-first': props.isFirst, 'is-failed': props.outgoing.status === 'failed' }}
    >
      <Show when={props.isFirst} fallback={<span />}>
        <Avatar user={chat.me} />
      </Show>
      <div class="message-body">
        <Show when={props.isFirst}>
          <header class="message-head">
            <span class="message-name">{chat.people.name(chat.me)}</span>
            <time class="message-time">{timeOf(props.outgoing.at)}</time>
          </header>
        </Show>
        <MessageText
          text={props.outgoing.text}
          mentions={[]}
          me={chat.me}
          names={(user) => chat.people.name(user)}
        />
        <Show when={props.outgoing.status === 'pending'}>
          <p class="sending">
            <Icon name="clock" />
            {t('message.sending')}
          </p>
        </Show>
        <Show when={props.outgoing.status === 'failed'}>
          <p class="failed">
            <Icon name="alert" />
            <span data-tip={props.outgoing.error}>{failureText(t, props.outgoing)}</span>
            <button
              type="button"
              class="text-button"
              onClick={() => chat.sendQueue.retry(props.outgoing.clientId)}
            >
              {t('message.retry')}
            </button>
            <button
              type="button"
              class="text-button"
              onClick={() => chat.sendQueue.discard(props.outgoing.clientId)}
            >
              {t('message.discard')}
            </button>
          </p>
        </Show>
      </div>
    </article>
  )
}
