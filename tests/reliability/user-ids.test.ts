import { AuthorizationError } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRequester } from '#runtime/client'
import { closeDb, db } from '#schema/db'
import { identityToken } from '#schema/identity'
import type { UserId } from '#schema/ids'
import { USER_IDS } from '#schema/streams'
import { users } from '#schema/tables/user'
import { createApp } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

describe('user ids', { timeout: 60_000 }, () => {
  let servers: Servers
  let issuer: TokenIssuer

  beforeAll(async () => {
    issuer = await startTokenIssuer()
    servers = await startServers('pglite', { OIDC_ISSUER: issuer.issuer })
    process.env.DATABASE_URL = servers.urls.databaseUrl
  })
  afterAll(async () => {
    await closeDb()
    await servers?.[Symbol.asyncDispose]()
    await issuer?.stop()
  })

  async function logIn(userName: string, sub: string): Promise<string> {
    const token = await issuer.token({ preferred_username: userName, sub })
    const nc = await connect({ servers: servers.urls.nats, token, reconnect: false })
    onTestFinished(() => nc.close())
    const identity = await identityToken({ issuer: issuer.issuer, subject: sub })
    const requester = createRequester(nc, identity)
    const reply = await requester.request(`as.${identity}.users.id`, '', { timeoutMs: 5_000 })
    return reply.json<{ userId: string }>().userId
  }

  const readRow = async (id: string) =>
    (
      await db
        .select()
        .from(users)
        .where(eq(users.id, id as UserId))
    )[0]

  async function loseBucket() {
    await using app = createApp(servers.urls)
    const bucket = await app.openBucket(USER_IDS)
    for await (const key of await bucket.keys()) await bucket.delete(key)
    // A restart empties the cache of user ids in memory.
    await servers.runtime.restart()
  }

  it('are stored in the database, with the user name', async () => {
    const sub = crypto.randomUUID()
    const userId = await logIn('jane.doe', sub)

    await expect
      .poll(() => readRow(userId))
      .toMatchObject({
        issuer: issuer.issuer,
        subject: sub,
        handle: 'jane.doe',
        name: 'jane.doe',
      })
    await logIn('jane.roe', sub)
    await expect.poll(() => readRow(userId)).toMatchObject({ handle: 'jane.roe' })
  })

  it('survive the loss of the bucket USER_IDS', async () => {
    const [dora, eve] = [crypto.randomUUID(), crypto.randomUUID()]
    const userId = await logIn('dora', dora)
    expect(userId).toBe('dora')
    await expect.poll(() => readRow('dora')).toMatchObject({ subject: dora })

    await loseBucket()

    expect(await logIn('dora', eve)).toMatch(/^dora-[0-9a-f]{8}$/)
    expect(await logIn('renamed', dora)).toBe('dora')
  })

  it('are found and assigned while the database is unavailable', async () => {
    const known = crypto.randomUUID()
    expect(await logIn('fred', known)).toBe('fred')
    await servers.database.stop()
    onTestFinished(() => servers.database.restart())

    expect(await logIn('fred', known)).toBe('fred')
    expect(await logIn('gina', crypto.randomUUID())).toBe('gina')
  })

  it('are not assigned while the database is unavailable and the bucket USER_IDS is lost', async () => {
    await loseBucket()
    await servers.database.stop()
    onTestFinished(() => servers.database.restart())

    const error = await logIn('hugo', crypto.randomUUID()).catch((error: Error) => error)
    expect(error).toBeInstanceOf(Error)
    // The login is not refused: the connection is closed, because the login cannot be checked.
    expect(error).not.toBeInstanceOf(AuthorizationError)
  })
})
