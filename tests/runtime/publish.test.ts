import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester } from '#runtime/client'
import { publishStored } from '../../runtime/jetstream/publish.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

let bench: CommandLine

beforeAll(async () => {
  bench = await createCommandLine()
})
afterAll(() => bench?.[Symbol.asyncDispose]())

describe('publishing a message to a stream', () => {
  it('fails if the message is not acknowledged, even though other messages that are published meanwhile are stored', async () => {
    await using nc = await bench.connect()
    const jsm = await jetstreamManager(nc)
    await jsm.streams.add({ name: 'PARCELS', subjects: ['parcels.kept'] })
    nc.subscribe('parcels.lost')
    const requester = createRequester(nc)
    const lost = publishStored(requester, 'parcels.lost', '')
    let isLost = false
    const settled = lost.catch(() => undefined).finally(() => (isLost = true))
    while (!isLost) await publishStored(requester, 'parcels.kept', '')
    await settled

    await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
    expect(await publishStored(requester, 'parcels.kept', '')).toMatchObject({ duplicate: false })
  })
})
