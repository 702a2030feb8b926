import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { describe, expect, it } from 'vitest'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'
import { newUserId, useApp } from '../support/app.ts'
import { createPresenceFixture } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

async function reconcile() {
  const { nc } = await app.connectAs('functions')
  const state = JSON.stringify({ at: Date.now(), servers: {}, reconcileAt: 0 })
  await (await new Kvm(nc).open(PRESENCE_CONN.bucket)).put('=sweep', state)
  await jetstream(nc).publish('tick.presence-sweep')
}

describe('presence.sweep', () => {
  it('sets a user offline whose last lease expired while no runtime was running', async () => {
    const [expired, connected] = [newUserId(), newUserId()]
    await presence.heartbeat(connected)
    await presence.update(connected, 'away')
    const { nc } = await app.connectAs('functions')
    const entry = JSON.stringify({ status: 'busy', at: new Date().toISOString() })
    await (await new Kvm(nc).open(PRESENCE.bucket)).put(expired, entry)
    const changes = await presence.listenToUser(expired)

    await reconcile()

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readStatus(expired)).toBe('offline')
    expect(await presence.readStatus(connected)).toBe('away')
  })
})
