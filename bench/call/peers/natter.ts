import { createClient } from '../../../runtime/client/index.ts'
import { connectTo } from '../../connect.ts'
import { benchEcho } from '../../functions/_contracts.ts'
import type { Call } from '../peer.ts'

/** Where the runtime serves `bench.echo` for the user `bench`. */
export const natterSubject = 'as.bench.bench.echo'

/** The typed client. */
export async function connectNatter(url: string): Promise<Call> {
  const nc = await connectTo(url, 'natter caller')
  const client = createClient(nc, { contracts: { 'bench.echo': benchEcho }, user: 'bench' })
  return (note) => client.call('bench.echo', note)
}
