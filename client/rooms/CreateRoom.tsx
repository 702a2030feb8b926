import { createSignal, Show } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { Room } from '#schema/messages/room'
import { readName } from '#schema/text/name'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { nameProblemText } from '../i18n/nameProblem.ts'
import { useRoute } from '../routing/createRoute.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { FormActions } from '../ui/FormActions.tsx'
import { RadioGroup } from '../ui/RadioGroup.tsx'
import { RoomNameField } from './RoomNameField.tsx'

export function CreateRoom(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('rooms.create')}>
      <CreateRoomForm onClose={props.onClose} />
    </Dialog>
  )
}

function CreateRoomForm(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  const [name, setName] = createSignal('')
  const [id, setId] = createSignal<string>()
  const [kind, setKind] = createSignal<'public' | 'private'>('public')
  const [error, setError] = createSignal<unknown>()
  const [existing, setExisting] = createSignal<Room>()
  const [random = '', shortRandom] = crypto.randomUUID().split('-')
  // The suggested id if the room's name has no character that is allowed in an id.
  const fallbackId = `room-${shortRandom}`
  const roomId = () => {
    const suggested = suggestId(name()) || (name().trim() && fallbackId)
    // The id of a private room has a random part, so that users cannot guess it.
    return kind() === 'private' ? `${suggested.slice(0, 55)}-${random}` : (id() ?? suggested)
  }

  async function submit(event: SubmitEvent) {
    event.preventDefault()
    const reading = readName(name())
    if ('problem' in reading) return void setError(nameProblemText(t, reading.problem))
    const room = roomId() as RoomId
    const created = await chat.client.try('room.create', { room, name: reading.name, kind: kind() })
    setExisting()
    if (!created.ok) {
      const isTaken = created.error.code === 'conflict'
      setError(isTaken ? t('rooms.taken') : created.error)
      const found = isTaken ? await chat.client.try('room.info', { room }) : undefined
      if (found?.ok) setExisting(found.value.room)
      return
    }
    await chat.rooms.refresh()
    open(room)
  }

  function open(room: RoomId) {
    props.onClose()
    go({ room })
  }

  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      <RoomNameField value={name()} onInput={setName} />
      <Show when={kind() === 'public'}>
        <div class="field">
          <label for="room-id">{t('rooms.address')}</label>
          <input
            id="room-id"
            class="input"
            required
            pattern="[a-z0-9_\-]{1,64}"
            autocomplete="off"
            aria-describedby="room-id-hint"
            value={roomId()}
            onInput={({ currentTarget }) => setId(currentTarget.value)}
          />
          <p id="room-id-hint" class="hint">
            {t('rooms.addressHint')}
          </p>
        </div>
      </Show>
      <RadioGroup
        legend={t('rooms.visibility')}
        value={kind()}
        options={{ public: t('rooms.public'), private: t('rooms.private') }}
        onChange={setKind}
      />
      <Show when={existing()}>
        {(room) => (
          <p class="pick">
            <span class="pick-text">
              <strong class="cut" dir="auto">
                {room().name}
              </strong>
            </span>
            <button
              type="button"
              class="button"
              aria-label={`${t('rooms.open')} ${room().name}`}
              onClick={() => open(room().id)}
            >
              {t('rooms.open')}
            </button>
          </p>
        )}
      </Show>
      <FormActions error={error()} onCancel={props.onClose}>
        <button type="submit" class="button primary" disabled={!name().trim()}>
          {t('rooms.create')}
        </button>
      </FormActions>
    </form>
  )
}

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
