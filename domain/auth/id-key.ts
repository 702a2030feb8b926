import * as v from 'valibot'

export const IdKeyEnv = v.object({
  NATTER_ID_KEY: v.pipe(
    v.string(),
    v.minLength(32, 'NATTER_ID_KEY must have 32 characters or more'),
  ),
})
export type IdKeyEnv = v.InferOutput<typeof IdKeyEnv>
