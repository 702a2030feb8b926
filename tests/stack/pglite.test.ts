import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPglite } from '../../stack/services/pglite.ts'
import type { ProcessService } from '../../stack/services/service.ts'

describe('the PGlite service', () => {
  let dir: string
  let pglite: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-pglite-'))
    pglite = await startPglite({ dir })
  })
  afterAll(async () => {
    await pglite.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('serves concurrent clients without mixing up their named and unnamed prepared statements', async () => {
    const clients = [true, false].map((prepare) => postgres(pglite.url, { max: 6, prepare }))
    await clients[0]?.unsafe('create table said (who text, number int)')

    const outcomes = await Promise.all(
      Array.from({ length: 240 }, async (_, index) => {
        const client = clients[index % 2]
        const who = `client ${index}`
        if (index % 5 === 0) return client?.unsafe('select $1 from nowhere', [who]).catch(codeOf)
        await client?.unsafe('insert into said values ($1, $2)', [who, index])
        const [row] = (await client?.unsafe('select * from said where who = $1', [who])) ?? []
        return row?.number === index ? 'own row' : row
      }),
    )

    expect(new Set(outcomes)).toEqual(new Set(['own row', '42P01']))
    await Promise.all(clients.map((client) => client.end()))
  })

  it.each([
    ['another password', 'postgres', 'postgres'],
    ['no password', 'postgres', ''],
    ['another user', 'alice', undefined],
  ])('rejects a login with %s', async (_, username, password) => {
    const { port, password: right } = new URL(pglite.url)
    const options = { host: '127.0.0.1', port: Number(port), max: 1, database: 'postgres' }
    const client = postgres({ ...options, username, password: password ?? right })

    const outcome = await client`select 1`.catch(codeOf)

    expect(outcome).toBe('28P01')
    await client.end()
  })

  it('rejects a client that skips the login', async () => {
    const socket = connect(Number(new URL(pglite.url).port), '127.0.0.1')
    const startup = Buffer.from('\0\0\0\x17\0\x03\0\0user\0postgres\0\0', 'latin1')
    const query = Buffer.from('Q\0\0\0\x0dselect 1\0', 'latin1')
    socket.end(Buffer.concat([startup, query]))

    const answer = Buffer.concat(await socket.toArray()).toString('latin1')

    expect(answer).toBe('R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0')
  })

  it('serves other clients while an idle client is connected', async () => {
    const silent = postgres(pglite.url, { max: 1 })
    const busy = postgres(pglite.url, { max: 1 })
    const held = await silent.reserve()

    expect(await busy`select 1 as one`).toEqual([{ one: 1 }])
    held.release()
    await Promise.all([silent.end(), busy.end()])
  })

  it('disconnects a client whose idle transaction keeps other clients waiting', async () => {
    const closed = Promise.withResolvers<void>()
    const idle = postgres(pglite.url, { max: 1, onclose: () => closed.resolve() })
    const other = postgres(pglite.url, { max: 1 })
    await other`create table noted (text text)`
    const held = await idle.reserve()
    await held`begin`
    await held`insert into noted values ('not committed')`

    expect(await other`select * from noted`).toEqual([])
    await closed.promise
    await Promise.all([idle.end({ timeout: 0 }), other.end()])
  })

  it('serves other clients after a client has disconnected during a query', async () => {
    const leaving = postgres(pglite.url, { max: 1 })
    await leaving`select 1`
    const cutOff = leaving`select pg_sleep(0.2), ${'x'}::text`.catch(codeOf)
    await leaving.end({ timeout: 0 })
    expect(await cutOff).toMatch(/^CONNECTION_/)

    const next = postgres(pglite.url, { max: 1 })
    expect(await next`select ${2}::int as two`).toEqual([{ two: 2 }])
    await next.end()
  })
})

function codeOf(error: Error & { code?: string }) {
  return error.code
}
