import './settings.css'
import { For } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { languages, useLanguage } from '../i18n/createLanguage.ts'
import { TranslationSettings } from '../translation/TranslationSettings.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { RadioGroup } from '../ui/RadioGroup.tsx'
import { useSettings } from './context.ts'
import { DisplayName } from './DisplayName.tsx'
import { NotificationSettings } from './NotificationSettings.tsx'

export function SettingsDialog(props: { isOpen: boolean; onClose: () => void }) {
  const chat = useChat()
  const [settings, setSettings] = useSettings()
  const { t, code } = useLanguage()

  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('settings.title')}>
      <div class="form">
        <DisplayName />
        <RadioGroup
          legend={t('settings.theme')}
          value={settings.theme}
          options={{
            system: t('settings.system'),
            light: t('settings.light'),
            dark: t('settings.dark'),
          }}
          onChange={(theme) => setSettings('theme', theme)}
        />
        <RadioGroup
          legend={t('settings.density')}
          value={settings.density}
          options={{ comfortable: t('settings.comfortable'), compact: t('settings.compact') }}
          onChange={(density) => setSettings('density', density)}
        />
        <div class="field">
          <label for="language">{t('settings.language')}</label>
          <select
            id="language"
            class="input"
            value={code()}
            onChange={({ currentTarget: { value } }) => {
              setSettings('language', value)
              chat.preferences.set({ language: value })
            }}
          >
            <For each={Object.entries(languages)}>
              {([tag, { name }]) => (
                <option value={tag} lang={tag}>
                  {name}
                </option>
              )}
            </For>
          </select>
        </div>
        <TranslationSettings />
        <NotificationSettings />
      </div>
    </Dialog>
  )
}
