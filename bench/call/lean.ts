import { createRequester } from '../../runtime/client/index.ts'
import { connectTo } from '../connect.ts'
import type { Call } from './peer.ts'

/** The runtime's own request path, with the JSON and nothing else around it. */
export async function connectLean(url: string, subject: string): Promise<Call> {
  const requester = createRequester(await connectTo(url, 'lean caller'))
  return async (note) => {
    const reply = await requester.request(subject, JSON.stringify(note), { timeoutMs: 5_000 })
    return reply.json()
  }
}
