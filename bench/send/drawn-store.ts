import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { headers, type NatsConnection } from '@nats-io/nats-core'
import { createRequester } from '../../runtime/client/index.ts'
import { readLast } from '../../runtime/jetstream/api.ts'
import { publishStored } from '../../runtime/jetstream/publish.ts'

export interface Store {
  append(subject: string, payload: string, id: string): Promise<number>
  get(bucket: string, key: string): Promise<string | undefined>
  put(bucket: string, key: string, value: string): Promise<unknown>
}

export async function openLibraryStore(nc: NatsConnection, buckets: string[]): Promise<Store> {
  const js = jetstream(nc)
  const kvm = new Kvm(nc)
  const opened = new Map(
    await Promise.all(buckets.map(async (bucket) => [bucket, await kvm.open(bucket)] as const)),
  )
  const find = (bucket: string) => {
    const kv = opened.get(bucket)
    if (!kv) throw new Error(`Bucket ${bucket} is not open`)
    return kv
  }
  return {
    append: async (subject, payload, msgID) => (await js.publish(subject, payload, { msgID })).seq,
    get: async (bucket, key) => (await find(bucket).get(key))?.string(),
    put: (bucket, key, value) => find(bucket).put(key, value),
  }
}

export function openLeanStore(nc: NatsConnection): Store {
  const requester = createRequester(nc)
  return {
    async append(subject, payload, id) {
      const hdrs = headers()
      hdrs.set('Nats-Msg-Id', id)
      const ack = await publishStored(requester, subject, payload, { headers: hdrs })
      if (!ack) throw new Error(`The message to ${subject} was not stored`)
      return ack.seq
    },
    async get(bucket, key) {
      const stored = await readLast(requester, `KV_${bucket}`, `$KV.${bucket}.${key}`)
      return stored && new TextDecoder().decode(stored.message.data)
    },
    put: (bucket, key, value) => publishStored(requester, `$KV.${bucket}.${key}`, value),
  }
}
