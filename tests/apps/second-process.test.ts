import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import { useApp } from '../support/app.ts'
import { createAppFolder } from '../support/app-folder.ts'

const app = useApp()

describe('an app in a second runtime process', () => {
  it('is usable by users who logged in before the process started', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
    const { id, start } = await createAppFolder()
    await start()

    await app.call('apps.install', { room, app: id as AppId }, 'alice')
    const result = await app.act(id, room, 'roll', {}, 'bob')

    expect(await updates.next()).toEqual({
      user: 'bob',
      app: id,
      room,
      version: 1,
      data: { result },
    })
    expect(await app.act(id, room, 'count', {}, 'alice')).toBe(1)
  })

  it('is guarded: it is forbidden in a room in which it is not installed', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    const { id, start } = await createAppFolder()
    await start()

    const roll = app.act(id, room, 'roll', {}, 'alice')

    await expect(roll).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('is listed with the URL and the integrity of its component, and keeps them without the file', async () => {
    const { id, start } = await createAppFolder()
    const components = await mkdtemp(join(tmpdir(), 'natter-components-'))
    onTestFinished(() => rm(components, { recursive: true }))
    const source = 'customElements.define("room-app-dice", class extends HTMLElement {})'
    await writeFile(join(components, `${id}-a1b2c3.js`), source)
    const listed = async () => (await app.call('apps.list', {}, 'bob')).find((one) => one.id === id)
    const expected = {
      id,
      name: 'Dice',
      version: '1.2.0',
      subjectPrefix: `app.${id}`,
      componentUrl: `/apps/${id}-a1b2c3.js`,
      integrity: `sha384-${createHash('sha384').update(source).digest('base64')}`,
    }

    const first = await start({ APP_COMPONENTS: components })
    expect(await listed()).toEqual(expected)
    await first.stop()
    await start({ APP_COMPONENTS: join(components, 'absent') })

    expect(await listed()).toEqual(expected)
  })
})
