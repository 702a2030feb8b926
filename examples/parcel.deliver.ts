import { defineFunction, stream } from '#runtime'
import { parcelDelivered, parcelSent, parcels } from './_parcels.ts'

/**
 * A parcel to "nowhere" fails, is retried after half a second, fails again, and becomes a dead
 * letter. The other parcels of its batch are delivered.
 */
export default defineFunction(
  stream(parcels, parcelSent, { batch: 10, backoffMs: [500] }),
  (messages, { publish }) => {
    for (const { data } of messages) {
      if (data.to === 'nowhere') throw new Error('There is no such place')
      publish(parcelDelivered, data)
    }
  },
)
