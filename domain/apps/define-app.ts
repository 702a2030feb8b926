import { createHmac } from 'node:crypto'
import * as v from 'valibot'
import {
  type Context,
  defineFunction,
  defineFunctions,
  type ErrorCode,
  type FunctionDefinition,
  type FunctionOptions,
  type FunctionSet,
} from '#runtime'
import { db } from '#schema/db'
import { RoomId, type UserId } from '#schema/ids'
import { AppId, appAudience, appUpdated } from '#schema/messages/app'
import type { Role } from '#schema/messages/room'
import { IdKeyEnv } from '../auth/id-key.ts'
import { requireRight } from '../rooms/roles.ts'
import type { Reader, Transaction } from '../rooms/room-lock.ts'
import { admittedMember, notUsable } from './guard.ts'
import { nextVersion } from './registry.ts'

/** The argument of an app's handler. The server has verified all fields except `data`. */
interface AppCall<Data> {
  readonly user: UserId
  readonly room: RoomId
  /** The caller's role in the room. */
  readonly role: Role
  readonly data: Data
  /**
   * Returns an id of the caller for a purpose, the same in each call. It cannot be traced to the user
   * without the key NATTER_ID_KEY.
   */
  pseudonym(purpose: string): string
}

interface QueryCall<Data> extends AppCall<Data> {
  readonly db: Reader
}

interface ActionCall<Data> extends AppCall<Data> {
  /** The transaction of this call. It is rolled back if the handler throws. */
  readonly db: Transaction
  /**
   * Publishes `app.{app}.{room}.updated` to the members of the room after the commit. All members receive
   * `data`, at most 64 kB as JSON. A second call in the same handler replaces it.
   */
  tell(data?: unknown): void
}

interface Shape<Input extends v.GenericSchema, Output extends v.GenericSchema> {
  input: Input
  /** Default: an object without fields, for handlers that return nothing. */
  output?: Output
  description?: string
  errors?: readonly ErrorCode[]
  /** Default: 60 calls a minute for each user. */
  limit?: NonNullable<FunctionOptions['limit']>
}

const maxUpdateBytes = 65_536

interface Declared<
  Input extends v.GenericSchema = v.GenericSchema,
  Output extends v.GenericSchema = v.GenericSchema,
> {
  readonly shape: Shape<Input, Output>
  readonly run: (call: AppCall<unknown>, context: AppContext) => Promise<unknown>
}

interface AppContext {
  app: AppId
  context: Context
}

const Nothing = v.optional(v.object({}), {})

type Answer<Output extends v.GenericSchema> = v.InferInput<Output> | Promise<v.InferInput<Output>>

/** Declares an action that only reads. Guests of the room may call it. */
export function query<
  Input extends v.GenericSchema,
  Output extends v.GenericSchema = typeof Nothing,
>(
  shape: Shape<Input, Output>,
  handle: (call: QueryCall<v.InferOutput<Input>>) => Answer<Output>,
): Declared<Input, Output> {
  return { shape, run: async (call) => handle({ ...(call as AppCall<v.InferOutput<Input>>), db }) }
}

/** Declares an action that may change the app's data. Its handler runs in a transaction. */
export function action<
  Input extends v.GenericSchema,
  Output extends v.GenericSchema = typeof Nothing,
>(
  shape: Shape<Input, Output>,
  handle: (call: ActionCall<v.InferOutput<Input>>) => Answer<Output>,
): Declared<Input, Output> {
  return {
    shape,
    async run(call, { app, context }) {
      requireRight(call, 'speak')
      const { room } = call
      let update: { data?: unknown } | undefined
      const tell = (data?: unknown) => {
        // Throws here, before the commit, for data that cannot be published.
        const bytes = Buffer.byteLength(JSON.stringify(data) ?? '')
        if (bytes > maxUpdateBytes)
          throw new RangeError(`tell: ${bytes} bytes of data are more than ${maxUpdateBytes}`)
        update = data === undefined ? {} : { data }
      }
      const { answer, version } = await db.transaction(async (tx) => {
        const own = { ...(call as AppCall<v.InferOutput<Input>>), db: tx, tell }
        const answer = await handle(own)
        if (!update) return { answer, version: undefined }
        // Locks the row of the installation until the commit, so versions have the order of the commits.
        const version = await nextVersion(app, room, tx)
        if (version === undefined) throw notUsable(app, room)
        return { answer, version }
      })
      if (version !== undefined) context.publish(appUpdated, { app, room, version, ...update })
      return answer
    },
  }
}

type Actions = Readonly<Record<string, Declared>>

/** A room app: the functions of its actions, and what the registry stores about it. */
export interface AppDefinition<Own extends Actions = Actions> extends FunctionSet {
  readonly id: AppId
  readonly name: string
  readonly version: string
  readonly actions: Own
}

/** The types of `data` and of the answer of each action, for the component of the app. */
export type ActionsOf<App extends AppDefinition> = {
  [Name in keyof App['actions']]: App['actions'][Name] extends Declared<infer Input, infer Output>
    ? { input: v.InferInput<Input>; answer: v.InferOutput<Output> }
    : never
}

interface AppManifest<Own extends Actions> {
  /** The name of the app's folder: lower case letters and digits. */
  id: string
  name: string
  /** A semantic version. */
  version: string
  actions: Own
}

/** Defines a room app, the default export of `apps/{id}/index.ts`. */
export function defineApp<const Own extends Actions>(
  manifest: AppManifest<Own>,
): AppDefinition<Own> {
  const { id, name, version, actions } = manifest
  const app = v.parse(AppId, id)
  const functions = Object.entries(actions).map(
    ([action, declared]) =>
      [`app.${app}.${action}`, toFunction({ app, action, version }, declared)] as const,
  )
  return { ...defineFunctions(Object.fromEntries(functions)), id: app, name, version, actions }
}

function toFunction(
  { app, action, version }: { app: AppId; action: string; version: string },
  { shape, run }: Declared,
): FunctionDefinition {
  const { input, output = Nothing, description, errors = [], limit } = shape
  const contract = {
    subject: `app.${app}.{room}.${action}`,
    input: v.strictObject({ room: RoomId, data: v.optional(input, {}) }),
    output,
    audience: appAudience,
    errors: ['forbidden', ...errors],
    ...(description === undefined ? {} : { description }),
  } as const
  return defineFunction(
    contract,
    async ({ room, data }, context) => {
      const { user, role } = admittedMember(context)
      const pseudonym = (purpose: string) =>
        createHmac('sha256', context.env.NATTER_ID_KEY)
          .update(JSON.stringify(['pseudonym', app, room, purpose, user]))
          .digest('base64url')
      return run({ user, room, role, data, pseudonym }, { app, context })
    },
    {
      version,
      queue: `${app}-workers`,
      limit: limit ?? { max: 60, windowMs: 60_000 },
      env: IdKeyEnv,
      // Each call holds one of the few connections to the database.
      concurrency: 4,
    },
  )
}
