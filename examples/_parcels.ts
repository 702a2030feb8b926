import * as v from 'valibot'
import type { StreamDeclaration, Topic } from '#runtime'

export const parcelSent = {
  subject: 'parcels.{id}.sent',
  data: v.object({ id: v.string(), to: v.string() }),
} as const satisfies Topic

export const parcelDelivered = {
  subject: 'parcel.delivered.{id}',
  data: v.object({ id: v.string(), to: v.string() }),
} as const satisfies Topic

export const parcels = {
  stream: 'EXAMPLE_PARCELS',
  subjects: ['parcels.*.sent'],
} as const satisfies StreamDeclaration
