import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RoomId } from '#schema/ids'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import { nextRejection, useApp } from '../support/app.ts'
import { createAppFolder } from '../support/app-folder.ts'

const app = useApp()

describe('an app in a second runtime process', () => {
  it('is usable by users who logged in before the process started', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
    const { id, start } = await createAppFolder()
    await start()

    await app.call('apps.install', { room, app: id as AppId }, 'alice')
    const rolled = await app.act(id, room, 'roll', {}, 'bob')

    expect(await updates.next()).toEqual({
      user: 'bob',
      app: id,
      room,
      version: 1,
      data: rolled,
    })
    expect(await app.act(id, room, 'list', {}, 'alice')).toEqual({ rolls: [rolled] })
  })

  it('rejects calls as forbidden in a room in which it is not installed', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    const { id, start } = await createAppFolder()
    await start()

    const roll = app.act(id, room, 'roll', {}, 'alice')

    await expect(roll).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects calls as forbidden at the latest one second after it was uninstalled or the caller was kicked', async () => {
    await app.createUsers('alice', 'bob')
    const { id, start } = await createAppFolder()
    await start()
    const rooms = await Promise.all(
      [1, 2].map(() => app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })),
    )
    const list = (room: RoomId) => app.act(id, room, 'list', {}, 'bob')
    for (const room of rooms) {
      await app.call('apps.install', { room, app: id as AppId }, 'alice')
      await list(room)
    }
    const [left, bare] = rooms as [RoomId, RoomId]

    await app.call('room.kick', { room: left, userId: 'bob' }, 'alice')
    expect(await nextRejection(() => list(left))).toBe('forbidden')
    await app.call('apps.uninstall', { room: bare, app: id as AppId }, 'alice')
    expect(await nextRejection(() => list(bare))).toBe('forbidden')
  })

  it('rejects every call as internal if its folder lacks the guard _around.ts', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    const { id, dir, start } = await createAppFolder()
    await rm(join(dir, '_around.ts'))
    const process = await start()
    await app.call('apps.install', { room, app: id as AppId }, 'alice')

    const roll = app.act(id, room, 'roll', {}, 'alice')

    await expect(roll).rejects.toMatchObject({ code: 'internal' })
    await process.log.line(/is appGuard the _around\.ts of the folder\?/)
  })

  it('logs a failed query without its parameters, which may be private', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    const { id, dir, start } = await createAppFolder()
    const file = join(dir, id, 'index.ts')
    const failing = `await db.execute(sql\`select \${'a secret'} from nowhere\`)\n    tell(rolled)`
    const source = (await readFile(file, 'utf8'))
      .replace('import { desc }', 'import { desc, sql }')
      .replace('tell(rolled)', () => failing)
    await writeFile(file, source)
    const process = await start()
    await app.call('apps.install', { room, app: id as AppId }, 'alice')

    const roll = app.act(id, room, 'roll', {}, 'alice')

    await expect(roll).rejects.toMatchObject({ code: 'internal' })
    const line = await process.log.line(/Failed query: select \$1 from nowhere/)
    expect(line).not.toContain('a secret')
  })

  it('fails to start if its folder is not named after the app', async () => {
    const { id, dir, start } = await createAppFolder()
    await rename(join(dir, id), join(dir, 'other'))

    await expect(start()).rejects.toThrow(`other defines the app "${id}": name the folder after`)
  })

  it('is listed with the URL and the integrity hash of its component, even after a restart without the file of the component', async () => {
    const { id, start } = await createAppFolder()
    const components = await mkdtemp(join(tmpdir(), 'natter-components-'))
    onTestFinished(() => rm(components, { recursive: true }))
    const source = 'customElements.define("room-app-dice", class extends HTMLElement {})'
    await writeFile(join(components, `${id}-a1b2c3.js`), source)
    const listed = async () => (await app.call('apps.list', {}, 'bob')).find((one) => one.id === id)
    const expected = {
      id,
      name: expect.stringContaining('Dice'),
      version: '1.0.0',
      subjectPrefix: `app.${id}`,
      needs: [],
      componentUrl: `/apps/${id}-a1b2c3.js`,
      integrity: `sha384-${createHash('sha384').update(source).digest('base64')}`,
    }

    const first = await start({ APP_COMPONENTS: components })
    expect(await listed()).toEqual(expected)
    expect(first.log.read(0)).not.toContain('no built component')
    await first.stop()
    const second = await start({ APP_COMPONENTS: join(components, 'absent') })

    expect(await listed()).toEqual(expected)
    expect(second.log.read(0)).toMatch(
      `"missing":["${join(components, 'absent', id)}-*.js"],"msg":"apps have no built component: run`,
    )
  })
})
