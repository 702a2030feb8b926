import * as v from 'valibot'
import { type Contract, defineFunction } from '#runtime'
import { parcelSent, parcels } from './_parcels.ts'

const parcelSend = {
  subject: 'parcel.send.{id}',
  audience: ['everyone'],
  description: 'Accepts a parcel; a repeated call has no effect',
  input: v.strictObject({ id: v.string(), to: v.pipe(v.string(), v.minLength(1)) }),
  output: v.object({ duplicate: v.boolean() }),
} as const satisfies Contract

/** Once `append` returns, the parcel is delivered even if all processes are killed. */
export default defineFunction(
  parcelSend,
  async (parcel, { append }) => {
    const { duplicate } = await append(parcelSent, parcel, { id: parcel.id })
    return { duplicate }
  },
  { resources: [parcels] },
)
