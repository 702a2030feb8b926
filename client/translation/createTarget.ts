import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'

export function createTarget(): () => string {
  const { preferences } = useChat()
  const { code } = useLanguage()
  return () => preferences.all().translateTo ?? code()
}
