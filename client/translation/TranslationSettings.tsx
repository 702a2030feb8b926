import { createMemo, For, onMount } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useTranslations } from './createTranslations.ts'
import { languageName } from './names.ts'

/**
 * The target languages that are offered if an engine knows all languages: those with the most
 * speakers and readers.
 */
const common =
  'ar bn ca cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk ur vi zh'

export function TranslationSettings() {
  const chat = useChat()
  const { t, code } = useLanguage()
  const translations = useTranslations(chat)
  onMount(() => void translations.loadTargets())
  const chosen = () => chat.preferences.all().translateTo ?? ''
  const options = createMemo(() => {
    const tags = new Set([...(translations.targets() ?? common.split(' ')), chosen()])
    return [...tags]
      .filter((tag) => tag !== '')
      .map((tag) => [tag, languageName(tag, code())] as const)
      .toSorted(([, a], [, b]) => a.localeCompare(b, code()))
  })
  return (
    <div class="field">
      <label for="translate-to">{t('translate.into')}</label>
      <select
        id="translate-to"
        class="input"
        value={chosen()}
        onChange={({ currentTarget: { value } }) =>
          chat.preferences.set({ translateTo: value || null })
        }
      >
        <option value="">{t('translate.asDisplayed')}</option>
        <For each={options()}>
          {([tag, name]) => (
            <option value={tag} selected={tag === chosen()}>
              {name}
            </option>
          )}
        </For>
      </select>
    </div>
  )
}
