import type { NatsConnection } from '@nats-io/nats-core'
import type { NamedConnection } from '../api/system.ts'
import { gather } from '../nats/gather.ts'

/**
 * Every server answers a request on this subject with statistics of the requesting account. Only
 * the servers' ids are used here.
 */
const serversSubject = '$SYS.REQ.ACCOUNT.PING.STATZ'
const waitMs = 1_000
/**
 * Maximum number of connections in a reply. A reply takes about 500 bytes per connection, in the
 * memory of the server and of this process.
 */
const pageSize = 4_096
const maxPageMs = 5_000

interface Page {
  server: { id: string }
  data: { total: number; connections?: { cid: number; authorized_user?: string; name?: string }[] }
}

export async function listServers(nc: NatsConnection): Promise<string[]> {
  const replies = await gather(nc, serversSubject, JSON.stringify({ include_unused: true }), waitMs)
  return replies.map((reply) => reply.json<{ server: { id: string } }>().server.id)
}

export async function listAllConnections(
  nc: NatsConnection,
): Promise<Map<string, NamedConnection[]>> {
  const found = new Map<string, NamedConnection[]>()
  let waiting = new Set(await listServers(nc))
  for (let offset = 0; waiting.size > 0; offset += pageSize) {
    const more = new Set<string>()
    for (const { server, data } of await readPages(nc, offset, waiting)) {
      const read = (data.connections ?? []).map(({ cid, authorized_user = '', name = '' }) => ({
        server: server.id,
        id: cid,
        user: authorized_user,
        name,
      }))
      found.set(server.id, [...(found.get(server.id) ?? []), ...read])
      waiting.delete(server.id)
      if (data.total > offset + pageSize) more.add(server.id)
    }
    for (const silent of waiting) found.delete(silent)
    waiting = more
  }
  return found
}

/**
 * Reads one page of connections from each of the `servers`. Returns when all have responded. After
 * five seconds, returns without the pages of servers that have not responded.
 */
async function readPages(
  nc: NatsConnection,
  offset: number,
  servers: ReadonlySet<string>,
): Promise<Page[]> {
  const query = JSON.stringify({ acc: 'CLIENTS', auth: true, limit: pageSize, offset })
  const pages: Page[] = []
  const options = { strategy: 'timer', maxWait: maxPageMs } as const
  for await (const reply of await nc.requestMany('connection.list', query, options)) {
    const page = reply.json<Page>()
    if (servers.has(page.server.id)) pages.push(page)
    if (pages.length === servers.size) break
  }
  return pages
}
