import { createEffect, createSignal, on, onMount } from 'solid-js'
import { maxTextLength } from '#schema/messages/chat'
import { hasRight } from '#schema/roles'
import { isGroupName } from '#schema/text/group-names'
import { findMentionedNames } from '#schema/text/mentions'
import type { Chat } from '../chat/createChat.ts'
import type { Conversation } from '../messages/createConversation.ts'

export function createDraft(chat: Chat, conversation: Conversation, focus: () => void) {
  const { room, threadId, timeline, editing, setEditing, send, saveEdit } = conversation
  const place = threadId === undefined ? room.id : `${room.id}/${threadId}`
  const [text, setText] = createSignal('')
  const [problem, setProblem] = createSignal<unknown>()
  const [unconfirmed, setUnconfirmed] = createSignal<string[]>()
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
  let unfinished = chat.edits.read(place)
  createEffect(() => {
    const item = unfinished && timeline.items().find(({ id }) => id === unfinished?.id)
    if (!unfinished || !item) return
    const { text: edited } = unfinished
    unfinished = undefined
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

  function mentionedGroups(message: string): string[] {
    if (threadId !== undefined || !hasRight(room, 'mentionGroup')) return []
    return findMentionedNames(message)
      .map((name) => name.toLowerCase())
      .filter(isGroupName)
  }

  const tooMuch = () => Math.max(0, text().length - maxTextLength)

  return {
    text,
    change,
    tooMuch,
    problem,
    unconfirmed,
    cancel: () => setUnconfirmed(),
    async submit(isConfirmed = false) {
      const message = text().trim()
      const item = editing()
      if (message === '' || message.length > maxTextLength) return
      setProblem()
      const groups = mentionedGroups(message)
      const isNew = groups.length > 0 && !item?.mentions.some(isGroupName)
      if (isNew && !isConfirmed) return void setUnconfirmed(groups)
      if (!item) {
        change('')
        return send(message)
      }
      try {
        await saveEdit(item, message)
      } catch (error) {
        setProblem(error)
      }
    },
  }
}
