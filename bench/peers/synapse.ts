import { createHmac } from 'node:crypto'
import { type Client, pageSize, type Target } from './client.ts'

interface Timeline {
  next_batch: string
  rooms?: { join?: Record<string, { timeline: { events: Event[]; limited: boolean } }> }
}

interface Event {
  type: string
  content: { body?: string }
}

interface Account {
  access_token: string
}

const accounts = new Map<string, Promise<Account>>()
const rooms = new Map<string, Promise<{ room_id: string }>>()
const filter = JSON.stringify({
  presence: { types: [] },
  account_data: { types: [] },
  room: {
    state: { types: [] },
    ephemeral: { types: [] },
    account_data: { types: [] },
    timeline: { types: ['m.room.message'], limit: 100 },
  },
})

/** Speaks the client-server API of Matrix. */
export async function connectSynapse(target: Target, user: string): Promise<Client> {
  const closed = new AbortController()
  const call = async <Result>(method: string, path: string, body?: object, token?: string) => {
    const response = await fetch(`${target.url}/_matrix/client/v3${path}`, {
      method,
      signal: closed.signal,
      headers: token ? { authorization: `Bearer ${token}` } : {},
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    if (!response.ok) throw new Error(`Synapse: ${path}: ${await response.text()}`)
    return (await response.json()) as Result
  }
  if (!accounts.has(user)) accounts.set(user, register(target, user))
  const { access_token: token } = (await accounts.get(user)) as Account
  const ask = <Result>(method: string, path: string, body?: object) =>
    call<Result>(method, path, body, token)
  /** The first user who uses a room creates it. */
  const idOf = async (room: string) => {
    if (!rooms.has(room))
      rooms.set(room, ask('POST', '/createRoom', { preset: 'public_chat', name: room }))
    return (await rooms.get(room))?.room_id ?? ''
  }
  const join = async (room: string) => ask('POST', `/join/${await idOf(room)}`, {})

  let position: string | undefined
  return {
    position: () => position,
    join,
    async follow(room, onText, since) {
      const id = await idOf(room)
      if (since === undefined) await join(room)
      const sync = async (timeout: number) => {
        const from = position ? `&since=${position}` : ''
        const query = `filter=${encodeURIComponent(filter)}&timeout=${timeout}${from}`
        const { next_batch, rooms } = await ask<Timeline>('GET', `/sync?${query}`)
        position = next_batch
        return rooms?.join?.[id]?.timeline.events ?? []
      }
      if (since === undefined) await sync(0)
      else position = String(since)
      const poll = async () => {
        while (!closed.signal.aborted)
          for (const { content } of await sync(30_000)) if (content.body) onText(content.body)
      }
      poll().catch((error) => {
        if (!closed.signal.aborted) throw error
      })
    },
    send: async (room, text) =>
      ask('PUT', `/rooms/${await idOf(room)}/send/m.room.message/${text.slice(0, 36)}`, {
        msgtype: 'm.text',
        body: text,
      }),
    async readPage(room) {
      const wanted = encodeURIComponent(JSON.stringify({ types: ['m.room.message'] }))
      const query = `dir=b&limit=${pageSize}&filter=${wanted}`
      const { chunk } = await ask<{ chunk: Event[] }>(
        'GET',
        `/rooms/${await idOf(room)}/messages?${query}`,
      )
      return chunk.length
    },
    cut: () => closed.abort(),
  }
}

async function register({ url, secret = '' }: Target, username: string): Promise<Account> {
  const path = `${url}/_synapse/admin/v1/register`
  const { nonce } = (await (await fetch(path)).json()) as { nonce: string }
  const signed = [nonce, username, username, 'notadmin'].join('\0')
  const mac = createHmac('sha1', secret).update(signed).digest('hex')
  const body = JSON.stringify({ nonce, username, password: username, admin: false, mac })
  const response = await fetch(path, { method: 'POST', body })
  if (!response.ok) throw new Error(`Synapse: ${await response.text()}`)
  return (await response.json()) as Account
}
