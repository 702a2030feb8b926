import { createClient } from '../../../runtime/client/index.ts'
import { connectTo } from '../../connect.ts'
import { benchEcho } from '../../functions/_contracts.ts'
import type { Call } from '../peer.ts'

export const natterSubject = 'as.bench.bench.echo'

export async function connectNatter(url: string): Promise<Call> {
  const nc = await connectTo(url, 'natter caller')
  const client = createClient(nc, { contracts: { 'bench.echo': benchEcho }, user: 'bench' })
  return (payload) => client.call('bench.echo', payload)
}
