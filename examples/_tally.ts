import * as v from 'valibot'
import type { BucketDeclaration, Topic } from '#runtime'

export const tallies = {
  bucket: 'EXAMPLE_TALLIES',
  value: v.object({ count: v.number() }),
} as const satisfies BucketDeclaration

export const tallyChanged = {
  subject: 'tally.changed.{name}',
  data: v.object({ name: v.string(), count: v.number() }),
} as const satisfies Topic
