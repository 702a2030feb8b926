import { headers, type NatsConnection, type PublishOptions } from '@nats-io/nats-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts, topics } from '#schema/contracts'
import { type Contract, contractSubject } from '../../runtime/api/contract.ts'
import { type App, createApp, type TestPerson } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App
let alice: NatsConnection
let bob: NatsConnection
let functions: NatsConnection

beforeAll(async () => {
  // Without default rooms, users receive no events of rooms that a test did not create.
  servers = await startServers('pglite', { DEFAULT_ROOMS: '' })
  app = createApp(servers.urls)
  alice = (await app.connectAs('alice')).nc
  bob = (await app.connectAs('bob')).nc
  functions = (await app.connectAs('functions')).nc
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await servers?.[Symbol.asyncDispose]()
})

async function publishAll(
  nc: NatsConnection,
  subjects: readonly string[],
  options?: PublishOptions,
) {
  const rejected: string[] = []
  // This loop is not awaited, because it runs until the connection is closed.
  void (async () => {
    for await (const event of nc.status()) {
      const match = event.type === 'error' && /Publish to "([^"]+)"/i.exec(event.error.message)
      if (match && match[1] !== undefined) rejected.push(match[1])
    }
  })()
  for (const subject of subjects) nc.publish(subject, '{}', options)
  // The server sends permission violations before it answers the first `flush`. When it answers the
  // second one, the loop above has received them.
  await nc.flush()
  await nc.flush()
  return rejected
}

async function isSubscriptionRejected(nc: NatsConnection, subject: string, queue?: string) {
  let rejection: Error | undefined
  const subscription = nc.subscribe(subject, {
    ...(queue ? { queue } : {}),
    callback: (error) => {
      rejection ??= error ?? undefined
    },
  })
  await nc.flush()
  await nc.flush()
  if (!subscription.isClosed()) subscription.unsubscribe()
  return rejection !== undefined && /Permissions Violation/i.test(rejection.message)
}

async function subscribe(nc: NatsConnection, subject: string) {
  const received: { subject: string; isPush: boolean; body: string }[] = []
  const subscription = nc.subscribe(subject, {
    callback(error, message) {
      if (error) throw error
      const isPush = message.headers?.has('Natter-Push') ?? false
      received.push({ subject: message.subject, isPush, body: message.string() })
    },
  })
  onTestFinished(() => subscription.unsubscribe())
  await nc.flush()
  return received
}

async function flushAll() {
  for (const nc of [alice, functions, bob]) await nc.flush()
}

const pushHeaders = () => {
  const hdrs = headers()
  hdrs.set('Natter-Push', '1')
  return hdrs
}

/** Returns headers that ask the server to publish a trace of the message to `destination`. */
const traceHeaders = (destination: string) => {
  const hdrs = headers()
  hdrs.set('Nats-Trace-Dest', destination)
  return hdrs
}

describe('permissions of connected users', () => {
  it('reject publishing as another user or on subjects of the functions', async () => {
    const foreignSubjects = [
      'as.bob.msg.get',
      'as.bob.room.join.general',
      'as.bob.chat.history.general',
      'deliver.bob.send.general',
      'deliver.bob.notify.general',
      'deliver.alice.notify.general',
      'room.notify.general',
      'room.presence.general',
      'room.members.general',
      'room.changed.general',
      'as.alice.room.members.general',
      'chat.general',
      '_INBOX_bob.reply',
      '_INBOX.reply',
      '$JS.API.INFO',
      '$JS.API.STREAM.NAMES',
      '$JS.API.STREAM.MSG.GET.CHAT_MESSAGES',
      '$KV.ROOMS_KV.general.alice',
      '$SRV.PING',
      '$SYS.REQ.USER.INFO.other',
      '$SYS.REQ.SERVER.PING',
      '$SYS.REQ.USER.AUTH',
    ]
    const received = await subscribe(functions, '>')
    const receivedByBob = await subscribe(bob, 'deliver.bob.>')

    expect(await publishAll(alice, foreignSubjects)).toEqual(foreignSubjects)
    expect(await publishAll(alice, foreignSubjects, { headers: pushHeaders() })).toEqual(
      foreignSubjects,
    )
    expect(await publishAll(alice, ['as.alice.msg.get'])).toEqual([])
    await flushAll()
    const arrived = received
      .map(({ subject }) => subject)
      .filter((subject) => foreignSubjects.includes(subject))
    expect(arrived).toEqual([])
    expect(received.map(({ subject }) => subject)).toContain('as.alice.msg.get')
    expect(receivedByBob).toEqual([])
  })

  it.each<[TestPerson, string[]]>([
    ['alice', ['everyone', 'user', 'admin']],
    ['bob', ['everyone', 'user']],
    ['charlie', ['everyone']],
  ])(
    'let %s call the functions whose audience contains one of %j, and no other function',
    async (person, audiences) => {
      const { nc } = await app.connectAs(person)
      const subjectOf = (contract: Contract) =>
        contractSubject(contract).fill({ room: 'none', threadId: '0'.repeat(32) }, person)
      const all: Contract[] = Object.values(contracts)
      const subjects = all.map(subjectOf)
      const unreachable = all.filter(
        ({ audience }) => !audience.some((name) => audiences.includes(name)),
      )

      const rejected = await publishAll(nc, subjects)
      expect(rejected.toSorted()).toEqual(unreachable.map(subjectOf).toSorted())
    },
  )

  const privateSubjects = [
    'deliver.bob.>',
    'deliver.bob.notify.*',
    'deliver.*.notify.*',
    'deliver.>',
    '_INBOX_bob.>',
    '_INBOX.>',
    '>',
    '*',
    '*.*.>',
    '$JS.>',
    '$KV.>',
    '$SRV.>',
    '$SYS.>',
    'chat.>',
    'chat.general',
    'room.members.*',
    'room.changed.*',
    'room.>',
    'as.>',
    'as.alice.>',
    'as.bob.>',
  ]
  it.each([undefined, 'fanout-workers'])(
    'reject subscriptions to the subjects of others (queue group: %s)',
    async (queue) => {
      const allowed: string[] = []
      for (const subject of privateSubjects)
        if (!(await isSubscriptionRejected(alice, subject, queue))) allowed.push(subject)

      expect(allowed).toEqual([])
      expect(await isSubscriptionRejected(alice, 'deliver.alice.>', queue)).toBe(false)
      expect(await isSubscriptionRejected(alice, 'room.notify.*', queue)).toBe(false)
    },
  )

  it('keep NATS message traces away from subjects on which the sender of the message may not publish', async () => {
    const received = await subscribe(functions, '>')
    const receivedByBob = await subscribe(bob, 'deliver.bob.notify.*')
    const multicast = await subscribe(bob, 'room.notify.*')
    const forbidden = ['deliver.bob.notify.general', 'room.notify.general', 'chat.general']
    const own = 'as.alice.room.join.general'

    // A server publishes its traces in order, so the last one, to `own`, follows all others.
    for (const destination of [...forbidden, own])
      alice.publish('as.alice.msg.get', '{}', { headers: traceHeaders(destination) })
    await expect.poll(() => received.map(({ subject }) => subject)).toContain(own)
    await flushAll()
    expect([...receivedByBob, ...multicast]).toEqual([])
    expect(received.filter(({ subject }) => forbidden.includes(subject))).toEqual([])

    for (const destination of ['deliver.bob.notify.general', 'room.notify.general'])
      functions.publish('nowhere', '', { headers: traceHeaders(destination) })
    await expect.poll(() => [receivedByBob.length, multicast.length]).toEqual([1, 1])
    for (const { isPush } of [...receivedByBob, ...multicast]) expect(isPush).toBe(false)
  })

  it('are not the only protection: clients ignore an event without the header Natter-Push', async () => {
    const pushes: unknown[] = []
    const client = createClient(bob, { contracts, user: 'bob' })
    onTestFinished(() => client.close())
    client.listen(topics.deliverNotify, { user: 'bob' }, (data) => pushes.push(data))
    await bob.flush()

    const notice = { notifyId: `1-${'0'.repeat(32)}`, seq: 1 }
    const subject = 'deliver.bob.notify.general'
    functions.publish(subject, JSON.stringify({ ...notice, seq: 2 }))
    functions.publish(subject, JSON.stringify(notice), { headers: pushHeaders() })
    await flushAll()
    expect(pushes).toEqual([{ ...notice, user: 'bob', room: 'general' }])
  })
})

describe('the reply to a request', () => {
  const foreign = [
    'room.notify.general',
    'room.presence.general',
    'room.typing.general',
    'deliver.bob.notify.general',
    'deliver.bob.reply.general',
    '_INBOX_bob.general',
  ]
  const subject = 'as.alice.users.me'
  const large = JSON.stringify({ room: 'x'.repeat(100_000) })
  const replyTo = (token: string) => {
    const hdrs = headers()
    hdrs.set('Natter-Reply', token)
    return hdrs
  }

  async function receiveAll() {
    const received: Awaited<ReturnType<typeof subscribe>>[] = []
    for (const pattern of [...foreign.slice(0, 3), 'deliver.bob.>', '_INBOX_bob.>'])
      received.push(await subscribe(bob, pattern.replace(/general$/, '*')))
    return () => received.flat()
  }

  it('goes to the caller only, whatever reply subject the caller names', async () => {
    const receivedByBob = await receiveAll()
    const replies = await subscribe(alice, 'deliver.alice.reply.attack.*')
    const requests = foreign.flatMap((reply) => [
      { reply, subject, payload: '{}' },
      { reply, subject, payload: 'not json' },
      { reply, subject, payload: large },
      { reply, subject: 'as.alice.chat.history.hidden', payload: '{}' },
      { reply, subject: 'deliver.alice.send.hidden', payload: '{"text":""}' },
    ])

    for (const [index, { reply, subject, payload }] of requests.entries())
      alice.publish(subject, payload, { reply, headers: replyTo(`attack.${index}`) })
    await expect.poll(() => replies.length).toBe(requests.length)
    await flushAll()

    const codes = new Set(replies.map(({ body }) => JSON.parse(body).code))
    expect([...codes].sort()).toEqual(['forbidden', 'invalid', 'too_large', undefined])
    expect(receivedByBob()).toEqual([])
  })

  it('is not sent without a valid reply token, except for at most one empty message a second per process', async () => {
    const receivedByBob = await receiveAll()
    const receivedByAlice = await subscribe(alice, 'deliver.alice.reply.>')
    const handled = await requestCount('users-me')
    const tokens = ['', '*', '>', 'a.>', 'a.b.c', '.', 'a.', '../x', 'a b', 'x'.repeat(65), 'ä']
    const options = foreign.flatMap((reply) => [
      { reply },
      ...tokens.map((token) => ({ reply, headers: replyTo(token) })),
    ])

    for (const option of options) alice.publish(subject, '{}', option)
    await expect
      .poll(() => requestCount('users-me'))
      .toBeGreaterThanOrEqual(handled + options.length)
    await flushAll()

    // A process answers a request without a valid reply token at most once a second, with an empty
    // message and an error in its header.
    const hints = receivedByBob()
    expect(hints.length).toBeLessThan(options.length / 2)
    for (const { body } of hints) expect(body).toBe('')
    expect(receivedByAlice).toEqual([])
  })

  it('has an error header that names Natter-Reply if the request has no reply token', async () => {
    await expect
      .poll(async () => (await alice.request(subject, '{}')).headers?.get('Nats-Service-Error'))
      .toBe('the header Natter-Reply is missing or invalid')
  })
})

async function requestCount(service: string): Promise<number> {
  const reply = await functions.request(`$SRV.STATS.${service}`)
  return reply.json<{ endpoints: { num_requests: number }[] }>().endpoints[0]?.num_requests ?? 0
}
