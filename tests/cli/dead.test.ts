import { jetstream } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

const worker = `
import * as v from 'valibot'
import { defineFunction, event, stream } from '#runtime'

const jobs = { stream: 'JOBS', subjects: ['jobs.*'] }
const job = { subject: 'jobs.{id}', data: v.object({ id: v.string() }) }
const done = { subject: 'done.{id}', data: v.object({ id: v.string(), seq: v.number() }) }

export default defineFunction(
  stream(jobs, job, { backoffMs: [] }),
  async (batch, { publish, kv }) => {
    for (const { data, seq } of batch) {
      if (!(await kv(mended).get(data.id))) throw new Error('job ' + data.id + ' is broken')
      publish(done, { id: data.id, seq })
    }
  },
  { resources: [mended] },
)
`.replace('const done', "const mended = { bucket: 'MENDED', value: v.object({}) }\nconst done")

describe('runtime dead', () => {
  let bench: CommandLine
  let nc: NatsConnection
  let ops: Record<string, string>

  beforeAll(async () => {
    bench = await createCommandLine()
    ops = { NATS_URL: bench.nats.urlOf('ops') }
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  const dead = (...args: string[]) => runtime(['dead', ...args], { env: ops })

  it('lists no dead letters before any function has consumed a stream', async () => {
    expect(await dead('ls')).toEqual({ code: 0, stdout: '', stderr: 'no dead letters\n' })
  })

  describe('after a function has failed', () => {
    beforeAll(async () => {
      await bench.start(await bench.write({ 'work.job.ts': worker }))
      for (const id of ['a', 'b', 'c']) await jetstream(nc).publish(`jobs.${id}`, '{}')
      // expect.poll does not work in hooks.
      await vi.waitFor(
        async () => expect(JSON.parse((await dead('ls', '--json')).stdout).total).toBe(3),
        { timeout: 30_000 },
      )
    })

    it('lists the dead letters with reason and origin, as a table and as JSON', async () => {
      const { code, stdout } = await dead('ls')
      const first = ['--after', '0', '--limit', '1']
      const { letters } = JSON.parse((await dead('ls', '--json', ...first)).stdout)

      expect(code).toBe(0)
      expect(stdout).toMatch(/^ *SEQ +FAILED AT +SERVICE +SUBJECT +SEQUENCE +ATTEMPTS +REASON\n/)
      expect(stdout).toMatch(/ +1 +\S+ +work-job +jobs\.a +1 +1 +job a is broken$/m)
      expect(letters).toMatchObject([{ seq: 1, service: 'work-job', reason: 'job a is broken' }])
    })

    it('replays a dead letter once, unchanged, and only to the function that failed', async () => {
      const told = nc.subscribe('done.*', { max: 1 })
      await jetstream(nc).publish('$KV.MENDED.b', '{}')

      const { code, stdout } = await dead('replay', '2')

      expect({ code, stdout }).toEqual({ code: 0, stdout: '2 replayed\n' })
      for await (const message of told)
        expect([message.subject, message.json()]).toEqual(['done.b', { seq: 2 }])
      const { state } = await (await jetstream(nc).jetstreamManager()).streams.info('JOBS')
      expect(state.messages).toBe(3)
      expect(await dead('replay', '2')).toMatchObject({
        code: 1,
        stderr: 'error: there is no dead letter 2; "runtime dead ls" lists them\n',
      })
    })

    it('keeps a dead letter whose replay fails again, and prints the reason', async () => {
      const { code, stderr } = await dead('replay', '3')

      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'conflict: It failed again: job c is broken\n',
      })
      const { letters } = JSON.parse((await dead('ls', '--json')).stdout)
      expect(letters.map(({ seq }: { seq: number }) => seq)).toContain(3)
    })

    it('discards a dead letter, and fails if it was discarded before', async () => {
      expect(await dead('discard', '1', '--json')).toMatchObject({
        code: 0,
        stdout: '{"seq":1,"discarded":true}\n',
      })
      expect(await dead('discard', '1')).toMatchObject({ code: 1 })
    })
  })

  it.each([['replay', 'x'], ['replay', '0'], ['discard'], ['ls', '--limit', '-1'], ['bury']])(
    'exits with code 2 for an unknown command or invalid arguments: %s',
    async (...args) => {
      expect(await dead(...args)).toMatchObject({ code: 2, stdout: '' })
    },
  )
})
