/**
 * Sends one message from alice to bob through a running stack:
 *
 *     node tests/support/smoke.ts .natter/stack.json
 *
 * Exits with an error at the first unexpected result. With `--after-restart`, sends no message, but
 * looks for the text after `--text` in the history. Both users connect over WebSocket, as a browser
 * does.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { wsconnect } from '@nats-io/nats-core'
import { createClient } from '#runtime/client'
import { contracts, topics } from '#schema/contracts'
import { fetchAccessToken } from './tokens.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    'after-restart': { type: 'boolean', default: false },
    text: { type: 'string', default: `First light at ${new Date().toISOString()}` },
  },
})
const [stackFile = '.natter/stack.json'] = positionals
const stack = JSON.parse(readFileSync(stackFile, 'utf8'))

const alice = await logIn('alice')
const bob = await logIn('bob')
for (const { client } of [alice, bob]) await client.call('room.join', { room: 'general' })

if (!values['after-restart']) {
  const notified = Promise.withResolvers<string>()
  bob.client.listen(topics.roomNotify, { room: 'general' }, ({ kind, notifyId }) => {
    if (kind === 'message' && notifyId) notified.resolve(notifyId)
  })
  await bob.nc.flush()

  const clientId = crypto.randomUUID()
  const said = await alice.client.call('send', { room: 'general', clientId, text: values.text })
  console.log(`alice said message ${said.id}`)

  const message = await bob.client.call('msg.get', { notifyId: await notified.promise })
  assert.deepEqual(message, {
    ...said,
    room: 'general',
    sender: 'alice',
    clientId,
    text: values.text,
    mentions: [],
  })
  console.log('bob was told, and read it')
}

const found = await findInHistory(values.text)
console.log(`the history has it: ${found.id}`)
await alice.nc.close()
await bob.nc.close()

async function logIn(person: string) {
  const token = await fetchAccessToken(stack.issuer, person)
  const inboxPrefix = `_INBOX_${person}`
  const nc = await wsconnect({ servers: stack.natsWebSocket, token, inboxPrefix })
  return { nc, client: createClient(nc, { contracts, user: person }) }
}

/** Repeats the call, because a message is persisted only a moment after it was acknowledged. */
async function findInHistory(text: string) {
  for (const until = Date.now() + 10_000; Date.now() < until; ) {
    const { messages } = await bob.client.call('chat.history', { room: 'general' })
    const found = messages.find((message) => message.text === text)
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`The history of general does not have "${text}"`)
}
