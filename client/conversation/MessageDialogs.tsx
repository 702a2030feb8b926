import { useLanguage } from '../i18n/createLanguage.ts'
import { later } from '../shell/later.tsx'
import { useConversation } from './createConversation.ts'

const MessageTrace = later(async () => (await import('../console/MessageTrace.tsx')).MessageTrace)
const ConfirmDialog = later(async () => (await import('../shell/ConfirmDialog.tsx')).ConfirmDialog)

/** What is asked and shown of one message of a conversation. */
export function MessageDialogs() {
  const { t } = useLanguage()
  const { traced, setTraced, doomed, setDoomed, remove } = useConversation()
  return (
    <>
      <MessageTrace isOpen={traced() !== undefined} item={traced()} onClose={() => setTraced()} />
      <ConfirmDialog
        isOpen={doomed() !== undefined}
        onClose={() => setDoomed()}
        title={t('message.confirmDelete')}
        deed={t('message.delete')}
        isDanger
        onConfirm={async () => {
          const item = doomed()
          if (item) await remove(item)
        }}
      >
        <p class="doomed">{doomed()?.text}</p>
      </ConfirmDialog>
    </>
  )
}
