import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'

/** Returns the language into which the user's messages are translated. */
export function createTarget(): () => string {
  const { preferences } = useChat()
  const { code } = useLanguage()
  return () => preferences.all().translateTo ?? code()
}
