import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, UserId } from '../ids.ts'
import { ChosenStatus } from './presence.ts'

export const NotifyLevel = v.picklist(['all', 'mentions', 'none'])
export type NotifyLevel = v.InferOutput<typeof NotifyLevel>

export const Language = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9-]{2,35}$/))

const Status = v.object({
  status: ChosenStatus,
  /** Time at which the status ends, in milliseconds since the epoch. */
  until: v.optional(v.pipe(v.number(), v.safeInteger())),
})

/**
 * Choices of a user that apply on all of their devices. For an absent choice, its default applies.
 */
export const Preferences = v.object({
  language: v.optional(Language),
  notify: v.optional(NotifyLevel),
  /** Notification levels by room; `none` mutes the room. */
  rooms: v.optional(v.record(RoomId, NotifyLevel)),
  status: v.optional(Status),
  /** Language into which messages are translated. Default: `language`. */
  translateTo: v.optional(Language),
  translateRooms: v.optional(v.record(RoomId, v.literal(true))),
})
export type Preferences = v.InferOutput<typeof Preferences>

/** Changes of preferences. `null` restores the default. */
const PreferenceChanges = v.strictObject({
  language: v.optional(v.nullable(Language)),
  notify: v.optional(v.nullable(NotifyLevel)),
  rooms: v.optional(v.record(RoomId, v.nullable(NotifyLevel))),
  status: v.optional(v.nullable(Status)),
  translateTo: v.optional(v.nullable(Language)),
  translateRooms: v.optional(v.record(RoomId, v.nullable(v.literal(true)))),
})
export type PreferenceChanges = v.InferInput<typeof PreferenceChanges>

const StoredPreferences = v.object({
  prefs: Preferences,
  /** Increases with each change; 0 if the user has never stored a preference. */
  revision: v.number(),
})
export type StoredPreferences = v.InferOutput<typeof StoredPreferences>

export const prefsGet = {
  subject: 'prefs.get',
  input: v.strictObject({}),
  output: StoredPreferences,
  audience: ['everyone'],
  description: 'Returns the preferences of the caller',
} as const satisfies Contract

/**
 * `prefs.set`: changes the given preferences of the caller, and returns all preferences.
 * Preferences that are not given stay as they are. So do entries of `rooms` and `translateRooms`
 * that are not given. Idempotent. Returns `too_large` if the stored preferences would exceed 64 kB.
 */
export const prefsSet = {
  subject: 'prefs.set',
  input: PreferenceChanges,
  output: StoredPreferences,
  audience: ['everyone'],
  description: 'Changes preferences of the caller',
  errors: ['too_large'],
} as const satisfies Contract

export const deliverPrefs = {
  subject: 'deliver.{user}.prefs.changed',
  data: v.object({ user: UserId, ...StoredPreferences.entries }),
  push: true,
} as const satisfies Topic
