import { createSignal, Show } from 'solid-js'
import { readName } from '#schema/text/name'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { nameProblemText } from '../i18n/nameProblem.ts'
import { ErrorText } from '../ui/ErrorText.tsx'
import { useAnnounce } from '../ui/liveRegion.ts'

export function DisplayName() {
  const chat = useChat()
  const announce = useAnnounce()
  const { t } = useLanguage()
  const [name, setName] = createSignal(chat.people.name(chat.me))
  const [error, setError] = createSignal<unknown>()
  let field: HTMLInputElement | undefined
  const providerName = () => chat.account()?.providerName

  async function save(chosen: string | null) {
    const reading = chosen === null ? { name: null } : readName(chosen)
    if ('problem' in reading) return setError(nameProblemText(t, reading.problem))
    const answer = await chat.saveName(reading.name)
    if (!answer.ok)
      return setError(answer.error.code === 'conflict' ? t('name.taken') : answer.error)
    setError()
    setName(answer.value.name)
    field?.focus()
    announce(t('name.saved'))
  }

  return (
    <form
      class="field"
      onSubmit={(event) => {
        event.preventDefault()
        void save(name())
      }}
    >
      <label for="display-name">{t('name.label')}</label>
      <div class="input-row">
        <input
          ref={field}
          id="display-name"
          class="input"
          dir="auto"
          required
          autocomplete="off"
          value={name()}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
        <button type="submit" class="button" disabled={name() === chat.people.name(chat.me)}>
          {t('composer.save')}
        </button>
      </div>
      <ErrorText error={error()} />
      <Show when={providerName() !== chat.people.name(chat.me) && providerName()}>
        {(original) => (
          <button type="button" class="button" onClick={() => void save(null)}>
            {t('name.restore', { name: original() })}
          </button>
        )}
      </Show>
    </form>
  )
}
