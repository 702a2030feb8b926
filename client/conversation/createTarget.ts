import { createEffect, createMemo, createSignal, on } from 'solid-js'
import { isCallError } from '#runtime/client'
import type { MessageId } from '#schema/ids'
import { ask } from '../chat/ask.ts'
import type { Chat } from '../chat/createChat.ts'
import { type Place, usePlace } from '../shell/createPlace.ts'
import type { Conversation } from './createConversation.ts'

interface Target {
  id: MessageId
  /** The first message of a thread is there as well, but nobody pointed at it. */
  isMarked: boolean
}

/** Whether a room, or a thread of it, is to be opened elsewhere than at its newest message. */
export function readTarget(place: Place, threadId?: MessageId): Target | undefined {
  const { thread, message } = place
  if (thread === threadId) return message && { id: message, isMarked: true }
  return threadId === undefined && thread ? { id: thread, isMarked: false } : undefined
}

/** The message that a link leads to: found, shown with what surrounds it, and marked. */
export function createTarget(chat: Chat, { room, threadId, timeline }: Conversation) {
  const { place, go } = usePlace()
  const [marked, setMarked] = createSignal<MessageId | undefined>(undefined, { equals: false })
  const [isMissing, setMissing] = createSignal(false)
  const wanted = createMemo(() =>
    place().room === room.id ? readTarget(place(), threadId) : undefined,
  )
  const has = (id: MessageId) => timeline.items().some((item) => item.id === id)

  createEffect(
    on(wanted, (target, before) => {
      if (target) void show(target)
      else if (before) setMarked(undefined)
    }),
  )

  async function show(target: Target) {
    setMissing(false)
    if (!target.isMarked) setMarked(undefined)
    const isThere = has(target.id) || (await open(target))
    // Meanwhile they may have gone elsewhere.
    if (wanted() !== target) return
    if (isThere && target.isMarked) setMarked(target.id)
  }

  /** Shows what surrounds it; false for what is not here. */
  async function open(target: Target): Promise<boolean> {
    try {
      const { seq, thread } = await ask(chat.client, 'msg.find', { room: room.id, id: target.id })
      if (wanted() !== target) return false
      if (thread?.id === threadId) {
        await timeline.goTo(seq)
        if (has(target.id)) return true
      } else if (thread) {
        go({ room: room.id, thread: thread.id, message: target.id }, 'replace')
        return false
      }
    } catch (error) {
      if (!isCallError(error)) throw error
    }
    setMissing(true)
    if (timeline.status() !== 'ready') await timeline.goToPresent()
    return false
  }

  return {
    /** Where it is: told again each time it is to be shown. */
    marked,
    isWanted: () => wanted()?.isMarked === true,
    /** What the link leads to is not there, or not any more. */
    isMissing,
    dismiss: () => setMissing(false),
  }
}
