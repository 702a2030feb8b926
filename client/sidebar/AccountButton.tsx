import './account.css'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import type { OpenDialog } from '../routing/dialogs.ts'
import { lazyMenu } from '../ui/lazyMenu.tsx'

const AccountMenu = lazyMenu(async () => (await import('./AccountMenu.tsx')).AccountMenu)

export function AccountButton(props: {
  onOpen: (dialog: OpenDialog) => void
  onLogout: () => void
}) {
  const chat = useChat()
  const { t, timeOf } = useLanguage()
  const statusText = () => {
    const until = chat.doNotDisturb.until()
    return until === undefined
      ? t(`status.${chat.presence.mine()}`)
      : t('notify.until', { time: timeOf(until) })
  }
  return (
    <AccountMenu class="me" onOpen={props.onOpen} onLogout={props.onLogout}>
      <Avatar user={chat.me} hasStatus />
      <span class="me-text">
        <span class="me-name cut" dir="auto">
          {chat.people.name(chat.me)}
        </span>
        <span class="me-status cut">{statusText()}</span>
      </span>
    </AccountMenu>
  )
}
