import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isCallError } from '#runtime/client'
import type { ProcessService } from '../../stack/services/service.ts'
import {
  canFail,
  canMount,
  type FailingDisk,
  mountDisk,
  type SmallDisk,
} from '../support/small-disk.ts'
import { startStack } from '../support/stack-process.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

describe.skipIf(!canMount)('npm start on a disk that fails', { timeout: 180_000 }, () => {
  let dir: string
  let disk: SmallDisk | FailingDisk
  let state: string
  let stack: ProcessService
  let alice: TestUser
  const room = `room-${crypto.randomUUID()}`

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-disk-'))
    disk = await mountDisk(join(dir, 'disk'), 400)
    state = join(disk.dir, 'state')
    stack = await startStack(dir, { NATTER_STATE: state })
    // The stack reports that it is ready before its second runtime has started, so the test waits
    // for this runtime as well.
    await stack.log.line(/^ {2}runtime-2 /, { within: 90_000 })
    alice = await createTestUser(
      JSON.parse(await readFile(join(state, 'stack.json'), 'utf8')),
      'alice',
    )
  })
  afterAll(async () => {
    await alice?.[Symbol.asyncDispose]()
    await stack?.stop()
    await disk?.[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })

  it('rejects messages as unavailable while the disk is full, accepts them once it has space, and loses no acknowledged message', async () => {
    await alice.client.call('room.create', { room, name: 'A room', kind: 'public' })
    const acknowledged: string[] = []
    let count = 0
    const send = async () => {
      const text = `message ${count++}`
      try {
        await alice.send(room, text)
        acknowledged.push(text)
        return 'sent'
      } catch (error) {
        if (!isCallError(error)) throw error
        return error.code
      }
    }
    expect(await send()).toBe('sent')
    const from = stack.log.end()

    disk.fill()
    await stack.log.line(new RegExp(`the disk of ${state} is full`), { from, within: 20_000 })
    await expect.poll(send, { timeout: 60_000 }).toBe('unavailable')
    const codes = await Promise.all(Array.from({ length: 20 }, send))
    expect(codes).not.toContain('timeout')

    await disk.free()
    await stack.log.line(/nats-server replaced/, { from, within: 60_000 })
    await expect.poll(send, { timeout: 60_000 }).toBe('sent')

    const texts = async () => {
      const { messages } = await alice.client.call('chat.history', { room, limit: 100 })
      return messages.map(({ text }) => text)
    }
    await expect
      .poll(() => texts().catch(() => []), { timeout: 60_000 })
      .toEqual(expect.arrayContaining(acknowledged))
  })

  it.skipIf(!canFail)(
    'rejects messages as unavailable when the disk becomes read-only, and logs the reason',
    async () => {
      if (!('makeReadOnly' in disk)) throw new Error('the disk cannot fail')
      const from = stack.log.end()

      disk.makeReadOnly()

      await stack.log.line(new RegExp(`the disk of ${state} is read-only: .*mounted for writing`), {
        from,
        within: 20_000,
      })
      const codes = await Promise.all(
        Array.from({ length: 3 }, (_, index) =>
          alice.send(room, `message ${index}`).then(
            () => 'sent',
            (error) => (isCallError(error) ? error.code : String(error)),
          ),
        ),
      )
      expect(new Set(codes)).toEqual(new Set(['unavailable']))
    },
  )
})
