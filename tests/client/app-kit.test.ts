import { describe, expect, it } from 'vitest'
import { createRefresh } from '../../apps/_kit/refresh.ts'

/** Each load adds an entry to `started`, and ends when the test resolves or rejects this entry. */
function createLoads() {
  const started: PromiseWithResolvers<void>[] = []
  const load = () => {
    const loading = Promise.withResolvers<void>()
    started.push(loading)
    return loading.promise
  }
  return { started, refresh: createRefresh(load) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('createRefresh, by which an app reloads its data', () => {
  it('runs only one further load for all calls that arrive during the first load', async () => {
    const { started, refresh } = createLoads()
    const first = refresh()
    const others = [refresh(), refresh()]
    expect(started).toHaveLength(1)

    started[0]?.resolve()
    await first
    await turn()

    expect(started).toHaveLength(2)
    started[1]?.resolve()
    await Promise.all(others)
    await turn()
    expect(started).toHaveLength(2)
  })

  it('resolves a call only after a load that began after the call', async () => {
    const { started, refresh } = createLoads()
    void refresh()
    let isDone = false
    const second = refresh().then(() => {
      isDone = true
    })

    started[0]?.resolve()
    await turn()
    expect(isDone).toBe(false)

    started[1]?.resolve()
    await second
  })

  it('runs another load for the next call after a load has failed', async () => {
    const { started, refresh } = createLoads()
    const first = refresh()
    started[0]?.reject(new Error('unavailable'))
    await first

    const second = refresh()
    started[1]?.resolve()

    await second
    expect(started).toHaveLength(2)
  })
})
