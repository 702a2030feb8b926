import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { type AppId, deliverAppInstalled } from '#schema/messages/app'
import { useApp } from '../support/app.ts'
import { createAppFolder } from '../support/app-folder.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

async function tablesOf(id: string) {
  const rows = await db.execute<{ name: string }>(
    sql`select table_name as name from information_schema.tables where table_schema = ${`app_${id}`}`,
  )
  return rows.map(({ name }) => name).sort()
}

describe('apps.remove', () => {
  it('drops the tables of an app that no process serves any more, and uninstalls it in every room', async () => {
    const { id, start } = await createAppFolder()
    const appId = id as AppId
    const process = await start()
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    await app.call('apps.install', { room, app: appId }, 'alice')
    await app.act(id, room, 'roll', {}, 'bob')
    expect(await tablesOf(id)).toEqual(['__drizzle_migrations', 'rolls'])
    const toBob = await app.listen(deliverAppInstalled, { user: 'bob', room }, 'bob')

    const early = app.call('apps.remove', { app: appId }, 'alice')
    await expect(early).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`${process.pid}`),
    })
    await process.stop()
    expect(await app.call('apps.remove', { app: appId }, 'alice')).toEqual({})
    expect(await app.call('apps.remove', { app: appId }, 'alice')).toEqual({})

    expect(await tablesOf(id)).toEqual([])
    expect(await app.call('apps.room', { room }, 'bob')).toEqual([])
    expect(JSON.stringify(await app.call('apps.list', {}, 'bob'))).not.toContain(id)
    expect(await toBob.next()).toEqual({ user: 'bob', app: id, room, installed: false })
  })

  it('lets the removed app be served again, with empty tables', async () => {
    const { id, start } = await createAppFolder()
    const appId = id as AppId
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    const first = await start()
    await app.call('apps.install', { room, app: appId }, 'alice')
    await app.act(id, room, 'roll', {}, 'alice')
    await first.stop()
    await app.call('apps.remove', { app: appId }, 'alice')

    await start()
    await app.call('apps.install', { room, app: appId }, 'alice')

    expect(await app.act(id, room, 'list', {}, 'alice')).toEqual({ rolls: [] })
  })

  it('rejects an app that the called process itself serves, and keeps the tables of the app', async () => {
    const remove = app.call('apps.remove', { app: 'poll' as AppId }, 'alice')

    await expect(remove).rejects.toMatchObject({ code: 'conflict' })
    expect(await tablesOf('poll')).toContain('polls')
  })

  it('rejects a user who is no administrator as forbidden', async () => {
    const remove = app.call('apps.remove', { app: 'poll' as AppId }, 'bob')

    await expect(remove).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ app: 'poll' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.apps.remove', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
