export const messageText = 'A line about as long as people write, now and then.'

export function createDeliveries() {
  const inFlight = new Map<string, { left: number; resolve: () => void }>()
  return {
    expect(count: number) {
      const clientId = createClientId()
      const { promise: delivered, resolve } = Promise.withResolvers<void>()
      inFlight.set(clientId, { left: count, resolve })
      return { clientId, delivered }
    },
    record(clientId: string) {
      const message = inFlight.get(clientId)
      if (!message || --message.left > 0) return
      inFlight.delete(clientId)
      message.resolve()
    },
  }
}

/** A UUIDv7, as the web client creates it. */
export function createClientId() {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
