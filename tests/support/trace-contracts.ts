import * as v from 'valibot'

const id = v.string()
const input = v.strictObject({ id, ends: v.optional(v.string()) })
const output = v.object({ active: v.string() })
const audience = ['functions']

export const outer = { subject: 'outer.{id}', audience, input, output } as const
export const inner = { subject: 'inner.{id}', audience, input, output } as const

export const published = { subject: 'published.{id}', data: v.object({ id }) } as const
export const reacted = { subject: 'reacted.{id}', data: v.object({ id }) } as const
export const appended = { subject: 'appended.{id}', data: v.object({ id }) } as const
export const appendedStream = { stream: 'APPENDED', subjects: ['appended.*'] } as const
