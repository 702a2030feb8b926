import { randomBytes } from 'node:crypto'
import { createRoot } from 'solid-js'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FunctionError, type Topic } from '#runtime'
import { topics } from '#schema/contracts'
import type { KeyId, RoomId, UserId } from '#schema/ids'
import type { RoomKey } from '#schema/messages/room'
import { createRoomKeys } from '../../client/chat/createRoomKeys.ts'
import type { ChatClient } from '../../client/nats/chatClient.ts'

const room = 'large' as RoomId

function newKey(): RoomKey {
  const id = `K${randomBytes(16).toString('base64url')}` as KeyId
  return { id, key: randomBytes(32).toString('base64') }
}

function givenRoomKeys(answer: () => Promise<{ keys: (RoomKey & { room: RoomId })[] }>) {
  const calls: number[] = []
  const subscribed = new Set<string>()
  let onNotice = (_notice: unknown) => {}
  const client = {
    call() {
      calls.push(Date.now())
      return answer()
    },
    listen(topic: Topic, params: Record<string, string>, handler: (data: unknown) => void) {
      if (topic === topics.deliverNotify) onNotice = handler
      if (params.key) subscribed.add(params.key)
      return () => void subscribed.delete(params.key ?? '')
    },
  } as unknown as ChatClient
  const { keys, dispose } = createRoot((dispose) => ({
    keys: createRoomKeys(client, 'alice' as UserId),
    dispose,
  }))
  return { keys, dispose, calls, subscribed, notify: (notice: unknown) => onNotice(notice) }
}

describe('the encryption keys of large rooms', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    return () => vi.useRealTimers()
  })

  it('are requested by a single retry loop, even if the room list is loaded again during the retries', async () => {
    const fail = async () => {
      throw new FunctionError('unavailable', 'Not now')
    }
    const { keys, dispose, calls } = givenRoomKeys(fail)

    for (let minute = 0; minute < 10; minute++) {
      keys.load([room])
      await vi.advanceTimersByTimeAsync(60_000)
    }
    const before = calls.length
    await vi.advanceTimersByTimeAsync(60_000)

    // One retry loop makes four attempts within 4.2 s, pauses for 5 s, and begins again: at most 28
    // calls a minute. Two loops would make twice as many.
    expect(calls.length - before).toBeLessThanOrEqual(28)
    expect(calls.length - before).toBeGreaterThan(20)
    dispose()
    await vi.advanceTimersByTimeAsync(10_000)
    const ended = calls.length
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls.length).toBe(ended)
  })

  it('are not replaced by older keys of a response if a notification brought newer ones meanwhile', async () => {
    const [older, newer] = [newKey(), newKey()]
    const { promise, resolve } = Promise.withResolvers<{ keys: (RoomKey & { room: RoomId })[] }>()
    const { keys, dispose, subscribed, notify } = givenRoomKeys(() => promise)
    keys.load([room])

    notify({ room, roomKey: newer, event: { at: new Date().toISOString() } })
    resolve({ keys: [{ room, ...older }] })
    await vi.advanceTimersByTimeAsync(10_000)

    expect([...subscribed]).toEqual([newer.id])
    dispose()
    expect([...subscribed]).toEqual([])
  })
})
