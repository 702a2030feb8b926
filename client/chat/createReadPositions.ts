import { onCleanup } from 'solid-js'
import type { OutputOf } from '#runtime'
import type { MessageId, RoomId } from '#schema/ids'
import type { readUpdate } from '#schema/messages/room'
import { isTransient, retryDelayMs } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

const throttleMs = 700

export interface ReadPosition {
  room: RoomId
  seq: number
  threadId?: MessageId | undefined
  /** If true, all threads of the room are marked as read as well. */
  threads?: boolean
}

const keyOf = ({ room, threadId }: Omit<ReadPosition, 'seq'>) => threadId ?? room

export function createReadPositions(
  client: ChatClient,
  onRead: (position: ReadPosition, state: OutputOf<typeof readUpdate>) => void,
) {
  const pending = new Map<string, ReadPosition>()
  let timer: ReturnType<typeof setTimeout> | undefined
  window.addEventListener('pagehide', publishNow)
  onCleanup(() => {
    clearTimeout(timer)
    window.removeEventListener('pagehide', publishNow)
  })

  function send() {
    timer = undefined
    const positions = [...pending.values()]
    pending.clear()
    for (const position of positions)
      update(position).then(
        (state) => onRead(position, state),
        (error) => {
          // Sends the position again later. Otherwise, messages read while disconnected would stay
          // unread.
          if (!isTransient(error)) return
          add(position)
          timer ??= setTimeout(send, retryDelayMs)
        },
      )
  }

  function update({ room, threadId, seq, threads = false }: ReadPosition) {
    return threadId === undefined
      ? client.call('read.update', { room, seq, threads })
      : client.call('read.update.thread', { room, threadId, seq })
  }

  /** Publishes instead of calling, because a closing page cannot wait for a response. */
  function publishNow() {
    for (const { room, threadId, seq, threads = false } of pending.values())
      if (threadId === undefined) client.publish('read.update', { room, seq, threads })
      else client.publish('read.update.thread', { room, threadId, seq })
  }

  function add(position: ReadPosition) {
    const { seq = 0, threads = false } = pending.get(keyOf(position)) ?? {}
    pending.set(keyOf(position), {
      ...position,
      seq: Math.max(position.seq, seq),
      threads: threads || position.threads === true,
    })
  }

  return {
    mark(position: ReadPosition) {
      add(position)
      timer ??= setTimeout(send, throttleMs)
    },
    cancel: (room: RoomId) => void pending.delete(keyOf({ room })),
  }
}
