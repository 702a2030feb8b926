import { createSignal } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import { readName } from '#schema/text/name'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { nameProblemText } from '../i18n/nameProblem.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { FormActions } from '../ui/FormActions.tsx'
import { RoomNameField } from './RoomNameField.tsx'

export function RenameRoom(props: { room: MyRoom; isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('room.rename')}>
      <RenameRoomForm room={props.room} onClose={props.onClose} />
    </Dialog>
  )
}

function RenameRoomForm(props: { room: MyRoom; onClose: () => void }) {
  const chat = useChat()
  const { t } = useLanguage()
  const [name, setName] = createSignal(props.room.name)
  const [error, setError] = createSignal<unknown>()

  async function submit(event: SubmitEvent) {
    event.preventDefault()
    const reading = readName(name())
    if ('problem' in reading) return void setError(nameProblemText(t, reading.problem))
    const renamed = await chat.client.try('room.rename', {
      room: props.room.id,
      name: reading.name,
    })
    if (renamed.ok) props.onClose()
    else setError(renamed.error)
  }

  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      <RoomNameField value={name()} onInput={setName} />
      <FormActions error={error()} onCancel={props.onClose}>
        <button type="submit" class="button primary" disabled={!name().trim()}>
          {t('composer.save')}
        </button>
      </FormActions>
    </form>
  )
}
