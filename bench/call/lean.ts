import { createRequester } from '../../runtime/client/index.ts'
import { connectTo } from '../connect.ts'
import type { Call } from './peer.ts'

export async function connectLean(url: string, subject: string): Promise<Call> {
  const requester = createRequester(await connectTo(url, 'lean caller'))
  return async (payload) => {
    const reply = await requester.request(subject, JSON.stringify(payload), { timeoutMs: 5_000 })
    return reply.json()
  }
}
