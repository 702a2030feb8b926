import { jetstreamManager } from '@nats-io/jetstream'
import { CHAT_MESSAGES } from '#schema/streams'
import type { App } from './app.ts'

/** Runs `work` while CHAT_MESSAGES is full. Needs servers that no other test uses. */
export async function withFullStream(app: App, work: () => Promise<void>): Promise<void> {
  const { nc } = await app.connectAs('functions')
  const { streams } = await jetstreamManager(nc)
  const { stream } = CHAT_MESSAGES
  const { state } = await streams.info(stream)
  await streams.update(stream, { max_msgs: Math.max(1, state.messages) })
  try {
    await work()
  } finally {
    await streams.update(stream, { max_msgs: -1 })
  }
}
