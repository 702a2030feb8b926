import { createEffect, createSignal, on, onMount } from 'solid-js'
import { maxTextLength } from '#schema/messages/chat'
import type { Chat } from '../chat/createChat.ts'
import type { Conversation } from '../messages/createConversation.ts'

/** What is being written: a draft, and in its place, for as long as that lasts, an edit. Both are kept. */
export function createDraft(chat: Chat, conversation: Conversation, focus: () => void) {
  const { room, threadId, timeline, editing, setEditing, send, saveEdit } = conversation
  const place = threadId === undefined ? room.id : `${room.id}/${threadId}`
  const [text, setText] = createSignal('')
  const [problem, setProblem] = createSignal<unknown>()
  let draft = ''

  onMount(() => change(chat.drafts.read(place)))
  createEffect(
    on(
      editing,
      (item, before) => {
        if (item && !before) draft = text()
        if (item) change(item.text)
        else if (before) {
          chat.edits.write(place)
          change(draft)
        }
        if (item || before) focus()
      },
      { defer: true },
    ),
  )
  // What was being edited when the page went is taken up again when its message is there.
  let left = chat.edits.read(place)
  createEffect(() => {
    const item = left && timeline.items().find(({ id }) => id === left?.id)
    if (!left || !item) return
    const { text: edited } = left
    left = undefined
    if (editing()) return
    setEditing(item)
    queueMicrotask(() => change(edited))
  })

  function change(value: string) {
    setText(value)
    const item = editing()
    if (item) chat.edits.write(place, { id: item.id, text: value })
    else chat.drafts.write(place, value)
  }

  const tooMuch = () => Math.max(0, text().length - maxTextLength)

  return {
    text,
    change,
    /** How many characters there are too many. */
    tooMuch,
    /** Why an edit was not taken. */
    problem,
    async submit() {
      const said = text().trim()
      const item = editing()
      if (said === '' || said.length > maxTextLength) return
      setProblem()
      if (!item) {
        change('')
        return send(said)
      }
      try {
        await saveEdit(item, said)
      } catch (error) {
        setProblem(error)
      }
    },
  }
}
