import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { jetstream } from '@nats-io/jetstream'
import { inject, onTestFinished } from 'vitest'
import type { DataOf } from '#runtime'
import { roomChanged } from '#schema/messages/member'
import { presenceChanged, roomPresence } from '#schema/messages/presence'
import { PRESENCE, PRESENCE_CONN, ROOMS_KV } from '#schema/streams'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { App, Mailbox } from './app.ts'

/** Starts another process with the presence functions, which runs until the test ends. */
export async function startInstance(): Promise<ProcessService> {
  const urls = inject('servers')
  const dir = await mkdtemp(join(tmpdir(), 'natter-instance-'))
  const functions = join(dir, 'functions')
  await mkdir(functions)
  const product = join(import.meta.dirname, '..', '..', 'functions')
  for (const file of await readdir(product))
    if (/^(presence\.|connection\.closed|room\.(changed|members)).*ts$/.test(file))
      await writeFile(
        join(functions, file),
        `export { default } from '${pathToFileURL(join(product, file))}'\n`,
      )
  const env = { NATS_URL: urls.functionsNats, DATABASE_URL: urls.databaseUrl }
  const instance = await startRuntimeService({ dir, folders: [functions], env })
  onTestFinished(async () => {
    await instance[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })
  return instance
}

/** Returns helpers that call presence functions as any user, even as one who cannot log in. */
export function createPresenceFixture(app: App) {
  const presence = {
    async heartbeat(user: string, connId = 'tab') {
      return (await app.clientFor(user)).call('presence.heartbeat', { connId })
    },

    /** Sets the status, and waits until it is broadcast to a room of the user. */
    async goOnline(user: string, status: 'online' | 'away' = 'online') {
      const room = await app.createRoom([user])
      const broadcasts = await app.listen(roomPresence, { room }, 'functions')
      await presence.heartbeat(user)
      await presence.update(user, status)
      await broadcasts.until(({ changes }) => changes.some((change) => change.status === status))
    },

    async update(user: string, status: 'online' | 'away' | 'busy') {
      return (await app.clientFor(user)).call('presence.update', { status })
    },

    async disconnect(user: string, connId = 'tab') {
      return (await app.clientFor(user)).call('presence.disconnect', { connId })
    },

    async expireLease(user: string, connId = 'tab') {
      const { nc } = await app.connectAs('functions')
      const subject = `$KV.${PRESENCE_CONN.bucket}.${user}.${connId}`
      await jetstream(nc).publish(subject, '{}', { ttl: '1s' })
    },

    async readStatus(user: string): Promise<string | undefined> {
      const entry = await (await app.openBucket(PRESENCE)).get(user)
      return entry?.json<{ status: string }>().status
    },

    async readLeases(user: string): Promise<string[]> {
      const bucket = await app.openBucket(PRESENCE_CONN)
      const keys = await Array.fromAsync(await bucket.keys(`${user}.*`))
      const entries = await Promise.all(keys.map((key) => bucket.get(key)))
      // An expired lease leaves an empty entry, the delete marker, under its key.
      const leases = entries.filter((entry) => entry && entry.length > 0)
      const isOpen = (entry: (typeof leases)[number]) =>
        entry?.json<{ state?: string }>().state !== 'closed'
      return leases.filter(isOpen).flatMap((entry) => entry?.key ?? [])
    },

    /** Deletes the room's entry in the member index, but not the entries of its members. */
    async unindexRoom(room: string) {
      await (await app.openBucket(ROOMS_KV)).delete(room)
    },

    async publishRoomChange(room: string, userId: string, action: 'join' | 'leave') {
      const { nc } = await app.connectAs('functions')
      const { subject } = roomChanged
      nc.publish(subject.replace('{room}', room), JSON.stringify({ action, userId }))
      await nc.flush()
    },

    listenToUser: (userId: string) => app.listen(presenceChanged, { userId }, 'functions'),
  }
  return presence
}

export async function changesUntil(
  mailbox: Mailbox<DataOf<typeof roomPresence>>,
  user: string,
): Promise<DataOf<typeof roomPresence>['changes']> {
  const broadcasts = await mailbox.until(({ changes }) =>
    changes.some(({ userId }) => userId === user),
  )
  return broadcasts.flatMap(({ changes }) => changes)
}
