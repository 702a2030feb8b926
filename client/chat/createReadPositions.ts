import { onCleanup } from 'solid-js'
import type { OutputOf } from '#runtime'
import type { RoomId } from '#schema/ids'
import type { readUpdate } from '#schema/messages/room'
import { isTransient, retryDelayMs } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

const throttleMs = 700

/** Sends the user's read positions to the server, throttled. */
export function createReadPositions(
  client: ChatClient,
  onRead: (room: RoomId, state: OutputOf<typeof readUpdate>) => void,
) {
  const pending = new Map<RoomId, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  window.addEventListener('pagehide', publishNow)
  onCleanup(() => {
    clearTimeout(timer)
    window.removeEventListener('pagehide', publishNow)
  })

  function send() {
    timer = undefined
    const positions = [...pending]
    pending.clear()
    for (const [room, seq] of positions)
      client.call('read.update', { room, seq }).then(
        (state) => onRead(room, state),
        (error) => {
          // Without this retry, messages read while disconnected would stay unread.
          if (!isTransient(error)) return
          pending.set(room, Math.max(seq, pending.get(room) ?? 0))
          timer ??= setTimeout(send, retryDelayMs)
        },
      )
  }

  /** Publishes without waiting for a response, because the page is closing. */
  function publishNow() {
    for (const [room, seq] of pending) client.publish('read.update', { room, seq })
  }

  return {
    mark(room: RoomId, seq: number) {
      if (seq <= (pending.get(room) ?? 0)) return
      pending.set(room, seq)
      timer ??= setTimeout(send, throttleMs)
    },
    cancel: (room: RoomId) => void pending.delete(room),
  }
}
