import { createSignal } from 'solid-js'
import type { RoomId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from '../routing/createRoute.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { FormActions } from '../ui/FormActions.tsx'
import { RadioGroup } from '../ui/RadioGroup.tsx'
import { RoomNameField } from './RoomNameField.tsx'

/** Makes a room, and goes there. */
export function CreateRoom(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('rooms.create')}>
      <NewRoom onClose={props.onClose} />
    </Dialog>
  )
}

function NewRoom(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  const [name, setName] = createSignal('')
  const [id, setId] = createSignal<string>()
  const [kind, setKind] = createSignal<'public' | 'private'>('public')
  const [problem, setProblem] = createSignal<unknown>()
  // A name without a letter that may stand there gets an address that says nothing.
  const anyId = `room-${crypto.randomUUID().slice(0, 6)}`
  const address = () => id() ?? (suggestId(name()) || (name().trim() && anyId))

  async function submit(event: SubmitEvent) {
    event.preventDefault()
    const room = address() as RoomId
    const made = await chat.client.try('room.create', { room, name: name(), kind: kind() })
    if (!made.ok) {
      setProblem(made.error.code === 'conflict' ? t('rooms.taken') : made.error)
      return
    }
    await chat.rooms.refresh()
    props.onClose()
    go({ room })
  }

  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      <RoomNameField value={name()} onInput={setName} />
      <div class="field">
        <label for="room-id">{t('rooms.id')}</label>
        <input
          id="room-id"
          class="input"
          required
          pattern="[a-z0-9_\-]{1,64}"
          autocomplete="off"
          aria-describedby="room-id-hint"
          value={address()}
          onInput={({ currentTarget }) => setId(currentTarget.value)}
        />
        <p id="room-id-hint" class="hint">
          {t('rooms.idHint')}
        </p>
      </div>
      <RadioGroup
        legend={t('rooms.kind')}
        value={kind()}
        options={{ public: t('rooms.public'), private: t('rooms.onlyInvited') }}
        onChange={setKind}
      />
      <FormActions problem={problem()} onCancel={props.onClose}>
        <button type="submit" class="button primary" disabled={!name().trim()}>
          {t('rooms.create')}
        </button>
      </FormActions>
    </form>
  )
}

/** What a name becomes where only small letters and digits may stand. */
function suggestId(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64)
}
