import { onCleanup } from 'solid-js'
import type { OutputOf } from '#runtime'
import type { RoomId } from '#schema/ids'
import type { readUpdate } from '#schema/messages/room'
import { isTransient } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

const [everyMs, retryDelayMs] = [700, 5_000]

/** Says how far we have read. Many little steps become few. */
export function createReadPositions(
  client: ChatClient,
  onRead: (room: RoomId, state: OutputOf<typeof readUpdate>) => void,
) {
  const reading = new Map<RoomId, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  window.addEventListener('pagehide', tellAtLast)
  onCleanup(() => {
    clearTimeout(timer)
    window.removeEventListener('pagehide', tellAtLast)
  })

  function tell() {
    timer = undefined
    const told = [...reading]
    reading.clear()
    for (const [room, seq] of told)
      client.call('read.update', { room, seq }).then(
        (state) => onRead(room, state),
        (error) => {
          // What was seen while the connection was away counts as read when it is back.
          if (!isTransient(error)) return
          reading.set(room, Math.max(seq, reading.get(room) ?? 0))
          timer ??= setTimeout(tell, retryDelayMs)
        },
      )
  }

  /** A page that goes waits for no answer. */
  function tellAtLast() {
    for (const [room, seq] of reading) client.publish('read.update', { room, seq })
  }

  return {
    /** All up to this one has been read. */
    mark(room: RoomId, seq: number) {
      if (seq <= (reading.get(room) ?? 0)) return
      reading.set(room, seq)
      timer ??= setTimeout(tell, everyMs)
    },
    /** What was about to be said of a room is not so any more. */
    forget: (room: RoomId) => void reading.delete(room),
  }
}
