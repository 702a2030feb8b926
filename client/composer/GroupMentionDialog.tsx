import { createResource, createSignal, onMount, Show } from 'solid-js'
import type { GroupName } from '#schema/text/group-names'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useConversation } from '../messages/createConversation.ts'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'

const minConfirmed = 10

export function GroupMentionDialog(props: {
  names: readonly string[]
  onSend: () => Promise<unknown>
  onClose: () => void
}) {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const { room } = useConversation()
  const [isOpen, setOpen] = createSignal(true)
  const group = (): GroupName =>
    props.names.some((name) => name.toLowerCase() === 'all') ? 'all' : 'here'
  /** Number of users whom `@all` or `@here` mentions; null if the server does not respond. */
  const [count] = createResource(async () => {
    if (group() === 'all') {
      const answer = await chat.client.try('room.info', { room: room.id })
      return answer.ok ? answer.value.count - 1 : null
    }
    const answer = await chat.client.try('presence.room', { room: room.id })
    if (!answer.ok) return null
    return Object.keys(answer.value.present).filter((user) => user !== chat.me).length
  })
  return (
    <Show when={count.state === 'ready'}>
      <Show
        when={(count() ?? minConfirmed) >= minConfirmed}
        fallback={<Immediately run={() => void props.onSend().finally(props.onClose)} />}
      >
        <ConfirmDialog
          isOpen={isOpen()}
          onClose={() => {
            setOpen(false)
            props.onClose()
          }}
          title={
            count() == null ? t('composer.confirmAll') : tn('composer.confirmCount', count() ?? 0)
          }
          confirmLabel={t('composer.send')}
          onConfirm={props.onSend}
        >
          <p>{t(`composer.${group()}`)}</p>
        </ConfirmDialog>
      </Show>
    </Show>
  )
}

function Immediately(props: { run: () => void }) {
  onMount(() => props.run())
  return null
}
