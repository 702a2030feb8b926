import { createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import type { OutputOf } from '#runtime'
import { isCallError } from '#runtime/client'
import type { MessageId } from '#schema/ids'
import type { msgFind } from '#schema/messages/chat'
import type { Chat } from '../chat/createChat.ts'
import { callWithRetry, isTransient } from '../nats/callWithRetry.ts'
import { type Route, useRoute } from '../routing/createRoute.ts'
import type { Conversation } from './createConversation.ts'

interface LinkedMessage {
  id: MessageId
  /** The first message of a thread is there as well, but nobody pointed at it. */
  isMarked: boolean
}

type FoundMessage = OutputOf<typeof msgFind>

/** So long after it could not be asked for it is asked for again. */
const retryDelayMs = 5_000

/** Whether a room, or a thread of it, is to be opened elsewhere than at its newest message. */
export function readLinkedMessage(place: Route, threadId?: MessageId): LinkedMessage | undefined {
  const { thread, message } = place
  if (thread === threadId) return message && { id: message, isMarked: true }
  return threadId === undefined && thread ? { id: thread, isMarked: false } : undefined
}

/** The message that a link leads to: found, shown with what surrounds it, and marked. */
export function createLinkedMessage(chat: Chat, { room, threadId, timeline }: Conversation) {
  const { place, go } = useRoute()
  const [marked, setMarked] = createSignal<MessageId | undefined>(undefined, { equals: false })
  const [isMissing, setMissing] = createSignal(false)
  const wanted = createMemo(() =>
    place().room === room.id ? readLinkedMessage(place(), threadId) : undefined,
  )
  const has = (id: MessageId) => timeline.items().some((item) => item.id === id)
  /** What was kept of the room may be shown, and is to be read anew. */
  const isKept = () => timeline.status() === 'ready' && timeline.opened() === 0
  const isHere = (id: MessageId) => !isKept() && has(id)
  let isClosed = false
  onCleanup(() => {
    isClosed = true
  })

  createEffect(
    on(wanted, (target, before) => {
      if (target) void show(target)
      else if (before) setMarked(undefined)
    }),
  )

  createEffect(
    on(isKept, (is) => {
      const target = wanted()
      if (is && target?.isMarked && has(target.id)) setMarked(target.id)
    }),
  )

  async function show(target: LinkedMessage) {
    setMissing(false)
    if (!target.isMarked) setMarked(undefined)
    const isThere = isHere(target.id) || (await open(target))
    // Meanwhile they may have gone elsewhere.
    if (wanted() !== target) return
    if (isThere && target.isMarked) setMarked(target.id)
  }

  /** Shows what surrounds it; false for what is not here. Goes on asking until that is known. */
  async function open(target: LinkedMessage): Promise<boolean> {
    for (let answer = await find(target); ; answer = await find(target)) {
      if (wanted() !== target || isClosed) return false
      if (answer === 'away' || (answer && isOfHere(answer) && !(await timeline.goTo(answer.seq)))) {
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs))
        continue
      }
      const { thread } = answer ?? {}
      if (answer && isOfHere(answer) && has(target.id)) return true
      if (!thread || thread.id === threadId) break
      go({ room: room.id, thread: thread.id, message: target.id }, 'replace')
      return false
    }
    setMissing(true)
    if (timeline.status() !== 'ready') await timeline.goToPresent()
    return false
  }

  const isOfHere = ({ thread }: FoundMessage) => thread?.id === threadId

  async function find({ id }: LinkedMessage): Promise<FoundMessage | 'away' | undefined> {
    try {
      return await callWithRetry(chat.client, 'msg.find', { room: room.id, id })
    } catch (error) {
      if (!isCallError(error)) throw error
      return isTransient(error) || error.code === 'rate_limited' ? 'away' : undefined
    }
  }

  return {
    /** Where it is: told again each time it is to be shown. */
    marked,
    isWanted() {
      const target = wanted()
      return target?.isMarked === true && (!isKept() || has(target.id))
    },
    /** What the link leads to is not there, or not any more. */
    isMissing,
    dismiss: () => setMissing(false),
  }
}
