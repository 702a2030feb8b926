import { createUniqueId, For, type JSX } from 'solid-js'
import type { Invitation } from '#schema/messages/member'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { accept, decline } from '../people/contacts.ts'
import { useRoute } from '../routing/createRoute.ts'

export function Invitations(props: { children: JSX.Element }) {
  const chat = useChat()
  const { t } = useLanguage()
  return (
    <section aria-labelledby="invitations-title">
      <div class="list-head">
        <h2 id="invitations-title">{t('invitations.title')}</h2>
      </div>
      <ul>
        <For each={chat.rooms.invitations()}>
          {(invitation) => <InvitationItem invitation={invitation} />}
        </For>
        {props.children}
      </ul>
    </section>
  )
}

function InvitationItem(props: { invitation: Invitation }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  const textId = createUniqueId()
  const acceptAndOpen = () =>
    chat.attempt(async () => {
      await accept(chat, props.invitation.room.id)
      go({ room: props.invitation.room.id })
    })
  const refuse = () => chat.attempt(() => decline(chat, props.invitation.room.id))
  return (
    <li class="invitation">
      <span class="invitation-text" id={textId}>
        <strong>{props.invitation.room.name}</strong>
        <span class="muted">
          {t('invitations.by', { name: chat.people.name(props.invitation.by) })}
        </span>
      </span>
      <button
        type="button"
        class="button primary"
        aria-describedby={textId}
        onClick={() => void acceptAndOpen()}
      >
        {t('invitations.accept')}
      </button>
      <button type="button" class="button" aria-describedby={textId} onClick={() => void refuse()}>
        {t('invitations.decline')}
      </button>
    </li>
  )
}
