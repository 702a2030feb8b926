import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, UserId } from '../ids.ts'

/**
 * Id of a room app. Contains no `-`, because the names of micro services, `app-{app}-{action}`,
 * would otherwise be ambiguous.
 */
export const AppId = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9]{0,31}$/,
    'Invalid app id: expected a lower-case letter, then up to 31 letters and digits',
  ),
  v.brand('AppId'),
)
export type AppId = v.InferOutput<typeof AppId>

/**
 * A permission that an app needs besides access to its own data. `post`: the app may send messages
 * to the room.
 */
export const AppNeed = v.picklist(['post'])
export type AppNeed = v.InferOutput<typeof AppNeed>

const App = v.object({
  id: AppId,
  name: v.string(),
  version: v.string(),
  /** The subjects of the app's actions begin with this prefix, followed by `.{room}.{action}`. */
  subjectPrefix: v.string(),
  /** URL of the app's web component. Absent if the app has none. */
  componentUrl: v.optional(v.string()),
  /** Hash of the component's file, which browsers check (Subresource Integrity). */
  integrity: v.optional(v.string()),
  needs: v.array(AppNeed),
})
export type App = v.InferOutput<typeof App>

/**
 * The roles of users who may call actions of apps. Each call also checks that the user is a member
 * of the room in its subject.
 */
export const appAudience = ['admin', 'user'] as const

/** `apps.list`: returns all apps that can be installed, ordered by name. */
export const appsList = {
  subject: 'apps.list',
  input: v.strictObject({}),
  output: v.array(App),
  audience: ['everyone'],
  description: 'Lists the apps that can be installed',
} as const satisfies Contract

/**
 * `apps.room`: returns the apps that are installed in a room, ordered by name. The caller must be a
 * member of the room.
 */
export const appsRoom = {
  subject: 'apps.room.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.array(App),
  audience: ['everyone'],
  description: 'Lists the apps that are installed in a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `apps.install`: installs an app in a room. Idempotent. */
export const appsInstall = {
  subject: 'apps.install.{room}',
  input: v.strictObject({ room: RoomId, app: AppId }),
  output: v.object({}),
  audience: ['admin', 'user'],
  description: 'Installs an app in a room',
  errors: ['forbidden', 'not_found'],
} as const satisfies Contract

/**
 * `apps.uninstall`: uninstalls an app from a room. The app's data of this room remains stored. It
 * is available again if the app is installed again. Idempotent.
 */
export const appsUninstall = {
  subject: 'apps.uninstall.{room}',
  input: v.strictObject({ room: RoomId, app: AppId }),
  output: v.object({}),
  audience: ['admin', 'user'],
  description: 'Uninstalls an app from a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `apps.remove`: removes an app that no process serves any more. Deletes its tables with all data,
 * and uninstalls it from all rooms. Returns `conflict` while a process serves the app. Idempotent.
 */
export const appsRemove = {
  subject: 'apps.remove',
  input: v.strictObject({ app: AppId }),
  output: v.object({}),
  audience: ['admin'],
  description: 'Removes an app and its data',
  errors: ['conflict'],
} as const satisfies Contract

/**
 * The contract with which a client calls any action of any app. The app defines the schemas of
 * `data` and of the answer. Returns `forbidden` if the room does not exist, if the caller is not a
 * member, or if the app is not installed, so that callers cannot tell these cases apart.
 */
export const appAction = {
  subject: 'app.{app}.{room}.{action}',
  input: v.strictObject({
    app: AppId,
    room: RoomId,
    action: v.string(),
    data: v.optional(v.unknown()),
  }),
  output: v.unknown(),
  audience: appAudience,
  errors: ['forbidden', 'not_found', 'conflict'],
} as const satisfies Contract

const Update = v.object({
  app: AppId,
  room: RoomId,
  /**
   * Counts the updates since the installation of the app, from 1. A client that finds a gap has
   * missed an update, and reads the data again.
   */
  version: v.number(),
  data: v.optional(v.unknown()),
})
export type AppUpdate = v.InferOutput<typeof Update>

/** Published after an app has changed its data in a room. */
export const appUpdated = {
  subject: 'app.{app}.{room}.updated',
  data: Update,
} as const satisfies Topic

/**
 * Published to each member of the room. In a large room, the update is instead published once,
 * encrypted, as a `RoomPush`.
 */
export const deliverAppUpdated = {
  subject: 'deliver.{user}.app.{app}.{room}.updated',
  data: v.object({ ...Update.entries, user: UserId }),
  push: true,
} as const satisfies Topic

const Installed = v.object({ app: AppId, room: RoomId, installed: v.boolean() })
export type AppInstalled = v.InferOutput<typeof Installed>

/**
 * Published to each member of a room when an app was installed or uninstalled there. In a large
 * room, the change is instead published once, encrypted, as a `RoomPush`.
 */
export const deliverAppInstalled = {
  subject: 'deliver.{user}.app.{app}.{room}.installed',
  data: v.object({ ...Installed.entries, user: UserId }),
  push: true,
} as const satisfies Topic
