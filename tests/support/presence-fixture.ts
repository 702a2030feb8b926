import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { and, eq } from 'drizzle-orm'
import { inject, onTestFinished } from 'vitest'
import type { DataOf } from '#runtime'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { presenceChanged, roomPresence } from '#schema/messages/presence'
import { type Role, type RoomKind, roomChanged } from '#schema/messages/room'
import { PRESENCE, PRESENCE_CONN, ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { App, Mailbox } from './app.ts'

/** Nobody else's, so that what is told of them is about this test. */
export function newUser(): UserId {
  return `user-${crypto.randomUUID()}` as UserId
}

export function newUsers(count: number): UserId[] {
  return Array.from({ length: count }, newUser)
}

/** Another process that serves what has to do with presence, until the test ends. */
export async function startInstance(): Promise<ProcessService> {
  const urls = inject('servers')
  const dir = await mkdtemp(join(tmpdir(), 'natter-instance-'))
  const functions = join(dir, 'functions')
  await mkdir(functions)
  const product = join(import.meta.dirname, '..', '..', 'functions')
  for (const file of await readdir(product))
    if (/^(presence\.|room\.(changed|members)).*ts$/.test(file))
      await writeFile(
        join(functions, file),
        `export { default } from '${pathToFileURL(join(product, file))}'\n`,
      )
  const env = { NATS_URL: urls.functionsNats, DATABASE_URL: urls.databaseUrl }
  const instance = await startRuntimeService({ dir, functions, env })
  onTestFinished(async () => {
    await instance[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })
  return instance
}

/** People whom no issuer knows, as functions see them: who asks is a token of the subject. */
export function createCrowd(app: App) {
  const clients = new Map<string, Promise<Client<typeof contracts>>>()

  const crowd = {
    as(user: string) {
      const known = clients.get(user)
      if (known) return known
      const made = app
        .connectAs('functions')
        .then(({ nc }) => createClient(nc, { contracts, user }))
      clients.set(user, made)
      return made
    },

    /** A heartbeat of the user's only tab, unless said. */
    async beat(user: string, connId = 'tab') {
      return (await crowd.as(user)).call('presence.heartbeat', { connId })
    },

    /** Brings somebody online, and waits until that has been told: nothing of it is heard later. */
    async arrive(user: UserId, as: 'online' | 'away' = 'online') {
      const room = await crowd.givenRoom([user])
      const told = await app.listen(roomPresence, { room }, 'functions')
      await crowd.beat(user)
      await crowd.update(user, as)
      await told.until(({ changes }) => changes.some(({ status }) => status === as))
    },

    async update(user: string, status: 'online' | 'away' | 'busy') {
      return (await crowd.as(user)).call('presence.update', { status })
    },

    async disconnect(user: string, connId = 'tab') {
      return (await crowd.as(user)).call('presence.disconnect', { connId })
    },

    /**
     * The last heartbeat of a tab that stops without a word: what it leaves is a lease that the server
     * ends by itself, as any other, but after a second.
     */
    async stopBeating(user: string, connId = 'tab') {
      const { nc } = await app.connectAs('functions')
      const subject = `$KV.${PRESENCE_CONN.bucket}.${user}.${connId}`
      await jetstream(nc).publish(subject, '{}', { ttl: '1s' })
    },

    /** How somebody is kept in the bucket; undefined for who has never been there. */
    async statusOf(user: string): Promise<string | undefined> {
      const entry = await (await bucket(PRESENCE.bucket)).get(user)
      return entry?.json<{ status: string }>().status
    },

    async leasesOf(user: string): Promise<string[]> {
      const keys = await (await bucket(PRESENCE_CONN.bucket)).keys(`${user}.*`)
      const found: string[] = []
      for await (const key of keys) found.push(key)
      return found
    },

    /** A room with these people in it, in the database and in the live index. */
    async givenRoom(users: readonly string[], kind: RoomKind = 'public'): Promise<RoomId> {
      const room = `room-${crypto.randomUUID()}` as RoomId
      await db.insert(rooms).values({ id: room, name: 'A room', kind })
      const index = await bucket(ROOMS_KV.bucket)
      await index.put(room, JSON.stringify({ kind, closed: false }))
      await Promise.all(users.map((user) => crowd.put(room, user, kind)))
      return room
    },

    async put(room: RoomId, user: string, kind: RoomKind, role: Role = 'member') {
      await db.insert(members).values({ room, userId: user as UserId, role })
      const index = await bucket(ROOMS_KV.bucket)
      await index.put(`${room}.${user}`, JSON.stringify({ kind, role }))
    },

    /** Ends somebody's membership, as it was begun. */
    async take(room: RoomId, user: string) {
      await db
        .delete(members)
        .where(and(eq(members.room, room), eq(members.userId, user as UserId)))
      await (await bucket(ROOMS_KV.bucket)).delete(`${room}.${user}`)
    },

    /** Takes a room out of the live index. */
    async forget(room: RoomId) {
      await (await bucket(ROOMS_KV.bucket)).delete(room)
    },

    /** Says that somebody came or went, as the functions do that make it so. */
    async tellMove(room: RoomId, userId: UserId, action: 'join' | 'leave') {
      const { nc } = await app.connectAs('functions')
      const { subject } = roomChanged
      nc.publish(subject.replace('{room}', room), JSON.stringify({ action, userId }))
      await nc.flush()
    },

    /** What functions are told of somebody from now on. */
    hear: (userId: UserId) => app.listen(presenceChanged, { userId }, 'functions'),
  }
  return crowd

  async function bucket(name: string) {
    const { nc } = await app.connectAs('functions')
    return new Kvm(nc).open(name)
  }
}

/** All that a room is told of, up to the first change of somebody. */
export async function changesUntil(
  mailbox: Mailbox<DataOf<typeof roomPresence>>,
  user: UserId,
): Promise<DataOf<typeof roomPresence>['changes']> {
  const told = await mailbox.until(({ changes }) => changes.some(({ userId }) => userId === user))
  return told.flatMap(({ changes }) => changes)
}
