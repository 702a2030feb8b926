import { useLanguage } from '../i18n/createLanguage.ts'

export function RoomNameField(props: { value: string; onInput: (name: string) => void }) {
  const { t } = useLanguage()
  return (
    <div class="field">
      <label for="room-name">{t('rooms.name')}</label>
      <input
        id="room-name"
        class="input"
        required
        maxLength={80}
        autocomplete="off"
        value={props.value}
        onInput={({ currentTarget }) => props.onInput(currentTarget.value)}
      />
    </div>
  )
}
