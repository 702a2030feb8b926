import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, UserId } from '../ids.ts'

/**
 * Id of a room app. Contains no `-`, because the name of the micro service `app-{app}-{action}` would be
 * ambiguous otherwise.
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

/** A permission of an app beyond its own data. With `post`, it may send messages to the room. */
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
  /** Subresource integrity of the component's file. */
  integrity: v.optional(v.string()),
  needs: v.array(AppNeed),
})
export type App = v.InferOutput<typeof App>

/** The roles of users who may call actions of apps. Each call also checks that the user is a member of its room. */
export const appAudience = ['admin', 'user'] as const

/** `apps.list`: returns all apps that can be installed, ordered by name. */
export const appsList = {
  subject: 'apps.list',
  input: v.strictObject({}),
  output: v.array(App),
  audience: ['everyone'],
  description: 'Lists the apps that can be installed',
} as const satisfies Contract

/** `apps.room`: returns the apps that are installed in a room of the caller, ordered by name. */
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
 * `apps.uninstall`: uninstalls an app from a room. The app's data of the room remains stored, and is available
 * again after a new installation. Idempotent.
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
 * `apps.remove`: removes an app that no process serves any more: its tables with all data, and its
 * installations. Returns `conflict` while a process serves it. Idempotent.
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
 * The common contract of all actions of apps, for clients. The app defines the schemas of `data`
 * and of the answer. Returns the same error `forbidden` whether the room does not exist, the caller
 * is not a member, or the app is not installed.
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
   * The first update after the installation of the app has the version 1, and each further update
   * the next number. A client that finds a gap reads the data again.
   */
  version: v.number(),
  data: v.optional(v.unknown()),
})
export type AppUpdate = v.InferOutput<typeof Update>

/** Published after an app has changed its data of a room. */
export const appUpdated = {
  subject: 'app.{app}.{room}.updated',
  data: Update,
} as const satisfies Topic

/** Published to each member of the room, unless the room is large: see `RoomPush`. */
export const deliverAppUpdated = {
  subject: 'deliver.{user}.app.{app}.{room}.updated',
  data: v.object({ ...Update.entries, user: UserId }),
  push: true,
} as const satisfies Topic

const Installed = v.object({ app: AppId, room: RoomId, installed: v.boolean() })
export type AppInstalled = v.InferOutput<typeof Installed>

/**
 * Published to each member of a room in which an app was installed, or uninstalled, unless the room is
 * large: see `RoomPush`.
 */
export const deliverAppInstalled = {
  subject: 'deliver.{user}.app.{app}.{room}.installed',
  data: v.object({ ...Installed.entries, user: UserId }),
  push: true,
} as const satisfies Topic
