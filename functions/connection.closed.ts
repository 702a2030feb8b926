import * as v from 'valibot'
import { endLease } from '#domain/presence/lease'
import { defineFunction, stream } from '#runtime'
import { UserId } from '#schema/ids'
import { connectionClosed } from '#schema/messages/user'
import { CONNECTIONS, PRESENCE_CONN } from '#schema/streams'

/** Reads the events from a stream: without it, events would be lost while no process runs. */
export default defineFunction(
  stream(CONNECTIONS, connectionClosed),
  async (events, context) => {
    await Promise.all(
      events.map(async ({ data: { server, client, reason } }) => {
        const user = v.safeParse(UserId, client.user)
        if (!user.success) return
        await endLease(user.output, { server: server.id, client: client.id }, reason, context)
      }),
    )
  },
  { resources: [CONNECTIONS, PRESENCE_CONN] },
)
