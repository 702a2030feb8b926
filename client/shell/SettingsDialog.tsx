import { For, type JSX } from 'solid-js'
import type { Settings } from '../chat/createSettings.ts'
import { languages, useLanguage } from '../i18n/createLanguage.ts'
import { ModalDialog } from './ModalDialog.tsx'
import { useSettings } from './settings.ts'

/** How things look, in which language, and what is worth a notification. */
export function SettingsDialog(props: { isOpen: boolean; onClose: () => void }) {
  const [settings, setSettings] = useSettings()
  const { t, code } = useLanguage()

  function setNotify(notify: Settings['notify']) {
    setSettings('notify', notify)
    // Browsers want to be asked while somebody presses something.
    if (notify !== 'none' && 'Notification' in window) void Notification.requestPermission()
  }

  return (
    <ModalDialog isOpen={props.isOpen} onClose={props.onClose} title={t('settings.title')}>
      <div class="form">
        <Choice
          legend={t('settings.theme')}
          value={settings.theme}
          options={{
            system: t('settings.system'),
            light: t('settings.light'),
            dark: t('settings.dark'),
          }}
          onChange={(theme) => setSettings('theme', theme)}
        />
        <Choice
          legend={t('settings.density')}
          value={settings.density}
          options={{ comfortable: t('settings.comfortable'), compact: t('settings.compact') }}
          onChange={(density) => setSettings('density', density)}
        />
        <Choice
          legend={t('settings.notify')}
          value={settings.notify}
          options={{
            all: t('settings.all'),
            mentions: t('settings.mentionsOnly'),
            none: t('settings.none'),
          }}
          onChange={setNotify}
        />
        <div class="field">
          <label for="language">{t('settings.language')}</label>
          <select
            id="language"
            class="input"
            value={code()}
            onChange={({ currentTarget }) => setSettings('language', currentTarget.value)}
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
      </div>
    </ModalDialog>
  )
}

function Choice<Value extends string>(props: {
  legend: JSX.Element
  value: Value
  options: Record<Value, string>
  onChange: (value: Value) => void
}) {
  return (
    <fieldset class="field choices">
      <legend>{props.legend}</legend>
      <For each={Object.entries<string>(props.options)}>
        {([value, label]) => (
          <label>
            <input
              type="radio"
              name={Object.keys(props.options).join()}
              checked={props.value === value}
              onChange={() => props.onChange(value as Value)}
            />
            {label}
          </label>
        )}
      </For>
    </fieldset>
  )
}
