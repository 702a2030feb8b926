import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { MessageText } from '../text/MessageText.tsx'
import { lazyPart } from '../ui/lazyPart.tsx'
import { useConversation } from './createConversation.ts'

const MessageTrace = lazyPart(
  async () => (await import('../console/MessageTrace.tsx')).MessageTrace,
)
const ConfirmDialog = lazyPart(async () => (await import('../ui/ConfirmDialog.tsx')).ConfirmDialog)

export function MessageDialogs() {
  const chat = useChat()
  const { t } = useLanguage()
  const { traced, setTraced, deleting, setDeleting, remove } = useConversation()
  return (
    <>
      <MessageTrace isOpen={traced() !== undefined} item={traced()} onClose={() => setTraced()} />
      <ConfirmDialog
        isOpen={deleting() !== undefined}
        onClose={() => setDeleting()}
        title={t('message.confirmDelete')}
        confirmLabel={t('message.delete')}
        isDanger
        onConfirm={async () => {
          const item = deleting()
          if (item) await remove(item)
        }}
      >
        <div class="doomed">
          <MessageText
            text={deleting()?.text ?? ''}
            mentions={deleting()?.mentions ?? []}
            me={chat.me}
            names={(user) => chat.people.name(user)}
            handles={chat.people.handle}
          />
        </div>
      </ConfirmDialog>
    </>
  )
}
