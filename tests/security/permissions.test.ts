import { join } from 'node:path'
import { headers, type NatsConnection } from '@nats-io/nats-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { permissionsFor, type RealmRole } from '#domain/auth/permissions'
import type { UserId } from '#schema/ids'
import { requestPatterns } from '../../runtime/api/audience.ts'
import { createRequester } from '../../runtime/client/requester.ts'
import { loadFolders } from '../../runtime/server/load.ts'
import { createLoginFixture, type LoginFixture } from '../support/login-fixture.ts'

const root = join(import.meta.dirname, '..', '..')
const folders = [join(root, 'functions'), join(root, 'apps')]
const { functions } = await loadFolders(folders, { importMs: 30_000 })
const people: Record<string, RealmRole[]> = { admin: ['admin', 'user'], user: ['user'], none: [] }

describe('permissions by role', () => {
  const [everyone, users, admins, nobody] = [
    ['admin', 'user', 'none'],
    ['admin', 'user'],
    ['admin'],
    [],
  ]
  const expected: Record<string, string[]> = {
    'admin.deactivate': admins,
    'admin.reactivate': admins,
    'admin.role': admins,
    'app.poll.close': users,
    'app.poll.create': users,
    'app.poll.list': users,
    'app.poll.vote': users,
    'app.standup.configure': users,
    'app.standup.save': users,
    'app.standup.state': users,
    'app.standup.submit': users,
    'app.whiteboard.pull': users,
    'app.whiteboard.push': users,
    'apps.install': users,
    'apps.list': everyone,
    'apps.remove': admins,
    'apps.room': everyone,
    'apps.uninstall': users,
    'chat.history': everyone,
    'chat.history.thread': everyone,
    'chat.sync': everyone,
    'console.dead': admins,
    'console.discard': admins,
    'console.replay': admins,
    'console.service': admins,
    'console.services': admins,
    'console.traces': admins,
    'mention.find': everyone,
    'msg.delete': users,
    'msg.edit': users,
    'msg.find': everyone,
    'msg.get': everyone,
    'msg.react': users,
    'msg.trace': users,
    'msg.versions': users,
    'oidc.logout': nobody,
    'prefs.get': everyone,
    'prefs.set': everyone,
    'presence.disconnect': everyone,
    'presence.heartbeat': everyone,
    'presence.room': everyone,
    'presence.update': everyone,
    'read.update': everyone,
    'read.update.thread': everyone,
    'room.archive': users,
    'room.archived': users,
    'room.bans': users,
    'room.browse': everyone,
    'room.create': users,
    'room.decline': everyone,
    'room.direct': users,
    'room.info': everyone,
    'room.invitations': everyone,
    'room.invite': users,
    'room.join': everyone,
    'room.keys': everyone,
    'room.kick': users,
    'room.leave': everyone,
    'room.list': everyone,
    'room.members': nobody,
    'room.rename': users,
    'room.role': users,
    'room.unban': users,
    send: users,
    'send.thread': users,
    'thread.list': everyone,
    'trace.report': users,
    'translate.cancel': everyone,
    'translate.ping': everyone,
    'translate.request': everyone,
    'translate.run': nobody,
    typing: users,
    'user.block': everyone,
    'user.unblock': everyone,
    'users.id': everyone,
    'users.me': everyone,
    'users.names': everyone,
    'users.search': everyone,
  }

  it('allow each role exactly the functions that the table in this test lists', () => {
    const mayCall = (name: string, person: string) => {
      const matching = functions.filter((definition) => definition.name === name)
      return requestPatterns(matching, 'alice', people[person] ?? []).length > 0
    }
    const matrix = Object.fromEntries(
      functions.map(({ name }) => [
        name,
        Object.keys(people).filter((person) => mayCall(name, person)),
      ]),
    )

    const yesOrNo =
      (allowed: string[] = []) =>
      (person: string) => [person, allowed.includes(person) ? 'yes' : '']
    console.table(
      Object.fromEntries(
        Object.entries(matrix).map(([name, allowed]) => [
          name,
          Object.fromEntries(Object.keys(people).map(yesOrNo(allowed))),
        ]),
      ),
    )
    const others = functions.filter(({ trigger }) => trigger !== 'request')
    expect(matrix).toEqual({
      ...expected,
      ...Object.fromEntries(others.map(({ name }) => [name, nobody])),
    })
  })

  it('include only functions with a rate limit', () => {
    const unlimited = functions
      .filter(({ name, definition }) => expected[name]?.length && !definition.options.limit)
      .map(({ name }) => name)

    expect(unlimited).toEqual([])
  })

  it('name the user in each subject for publishing, and contain no wildcard >', () => {
    for (const roles of Object.values(people)) {
      const publish = requestPatterns(functions, 'alice', roles)
      for (const subject of publish) expect(subject).toMatch(/^(as\.alice|deliver\.alice\.send)\./)
      expect(publish.join(' ')).not.toContain('>')
      expect(permissionsFor('alice' as UserId, 'ID-A1', roles)).toEqual({
        publish: ['as.ID-A1.users.id', ...(roles.includes('user') ? ['as.alice.app.*.*.*'] : [])],
        subscribe: [
          'deliver.ID-A1.reply.>',
          '_INBOX_alice.>',
          'deliver.alice.>',
          'room.notify.*',
          'room.presence.*',
          'room.typing.*',
        ],
      })
    }
  })
})

describe('permissions on the server', () => {
  let fixture: LoginFixture
  let alice: NatsConnection
  let bob: NatsConnection

  beforeAll(async () => {
    fixture = await createLoginFixture()
    alice = await connectAs('alice')
    bob = await connectAs('bob')
  })
  afterAll(async () => {
    await Promise.all([alice?.close(), bob?.close()])
    await fixture?.[Symbol.asyncDispose]()
  })

  async function connectAs(user: string) {
    const token = await fixture.tokenIssuer.token({ preferred_username: user })
    return fixture.connect(token, { inboxPrefix: `_INBOX_${user}` })
  }

  async function violations(nc: NatsConnection, act: () => void): Promise<string[]> {
    const messages: string[] = []
    const statuses = nc.status()
    const following = (async () => {
      for await (const status of statuses) {
        if (status.type === 'error') messages.push(status.error.message)
        if (status.type === 'close') return
      }
    })()
    act()
    await nc.flush()
    await nc.flush()
    void following
    return messages
  }

  it.each([
    '>',
    '_INBOX.>',
    '_INBOX_bob.>',
    '_INBOX_*.>',
    'deliver.bob.>',
    'deliver.*.notify.*',
    'deliver.>',
    'as.>',
    'chat.>',
    'room.changed.*',
    'presence.changed.*',
    'user.seen.*',
    'runtime.spans',
    'runtime.functions',
    'deliver.*.typing.*',
    '$JS.>',
    '$KV.>',
    '$SRV.>',
    '$SYS.>',
    'fn.>',
  ])('reject a subscription of alice to %s, with and without a queue group', async (subject) => {
    for (const options of [{}, { queue: 'fanout-workers' }]) {
      const nc = await connectAs('alice')
      onTestFinished(() => nc.close())
      const errors = await violations(nc, () =>
        nc.subscribe(subject, { ...options, callback() {} }),
      )
      expect(errors.join()).toMatch(/Permissions Violation for Subscription/i)
    }
  })

  it.each([
    'as.bob.whoami',
    'as.*.whoami',
    'as.alice.inside',
    'as.bob._CANCEL.session.token',
    '_CANCEL.session.token',
    'inside',
    'deliver.bob.send.general',
    'deliver.bob.notify.general',
    'deliver.bob.typing.general',
    'room.notify.general',
    'room.typing.general',
    'presence.changed.bob',
    'user.seen.bob',
    'room.members.general',
    'chat.general',
    'fn.persist',
    'runtime.spans',
    'runtime.functions',
    'dead.persist',
    '$JS.API.STREAM.LIST',
    '$KV.ROOMS_KV.general.alice',
    '$SRV.PING',
    '$KV.REVOKED_TOKENS.user.bob',
    '$SYS.REQ.USER.AUTH',
    '$SYS.REQ.SERVER.PING.CONNZ',
    '$SYS.REQ.SERVER.server.KICK',
    'connection.list',
    'connection.close.server',
    'connection.opened',
    'oidc.logout',
    '_INBOX_bob.x',
  ])('reject a publish of alice to %s, with and without headers', async (subject) => {
    for (const name of [undefined, 'Nats-Trace-Dest', 'Nats-Request-Info']) {
      const nc = await connectAs('alice')
      onTestFinished(() => nc.close())
      const hdrs = headers()
      if (name) hdrs.set(name, 'deliver.bob.notify.general')
      const errors = await violations(nc, () => nc.publish(subject, '{}', { headers: hdrs }))
      expect(errors.join()).toMatch(/Permissions Violation for Publish/i)
    }
  })

  it('prevent clients from naming another caller in the payload or a header', async () => {
    const requester = createRequester(alice, 'alice')
    onTestFinished(() => requester.close())
    const hdrs = headers()
    hdrs.set('Nats-Request-Info', JSON.stringify({ user: 'bob', acc: 'CLIENTS' }))

    const answer = await requester.request('as.alice.whoami', JSON.stringify({ caller: 'bob' }), {
      timeoutMs: 2_000,
      headers: hdrs,
    })
    expect(answer.json()).toEqual({ caller: 'alice' })
  })
})
