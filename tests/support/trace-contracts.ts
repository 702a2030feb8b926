import * as v from 'valibot'

const id = v.string()
const input = v.strictObject({ id, ends: v.optional(v.string()) })
const output = v.object({ active: v.string() })
const audience = ['functions']

export const outer = { subject: 'outer.{id}', audience, input, output } as const
export const inner = { subject: 'inner.{id}', audience, input, output } as const

export const told = { subject: 'told.{id}', data: v.object({ id }) } as const
export const heard = { subject: 'heard.{id}', data: v.object({ id }) } as const
export const kept = { subject: 'kept.{id}', data: v.object({ id }) } as const
export const keepsakes = { stream: 'KEEPSAKES', subjects: ['kept.*'] } as const
