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
  schedule,
} from '#runtime'
import { db } from '#schema/db'
import { RoomId, type UserId } from '#schema/ids'
import { AppId, type AppNeed, appAudience } from '#schema/messages/app'
import type { Role } from '#schema/messages/room'
import { CHAT_MESSAGES } from '#schema/streams'
import { IdKeyEnv } from '../auth/id-key.ts'
import { requireRight } from '../rooms/roles.ts'
import type { Reader } from '../rooms/room-lock.ts'
import { changeRoom, type RoomChange } from './change-room.ts'
import { admittedMember } from './guard.ts'
import { withoutParameters } from './query-errors.ts'
import { findInstalled } from './registry.ts'

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

interface ActionCall<Data> extends AppCall<Data>, RoomChange {}

interface ScheduledCall extends RoomChange {
  readonly room: RoomId
  /** The time of the tick. */
  readonly at: Date
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

interface Declared<
  Input extends v.GenericSchema = v.GenericSchema,
  Output extends v.GenericSchema = v.GenericSchema,
> {
  readonly shape: Shape<Input, Output>
  readonly run: (call: AppCall<unknown>, context: AppContext) => Promise<unknown>
}

interface AppContext {
  app: AppId
  needs: readonly AppNeed[]
  context: Context<IdKeyEnv>
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
    async run(call, { context, ...origin }) {
      requireRight(call, 'speak')
      const { room, user } = call
      return changeRoom({ ...origin, room, user, context }, async (change) =>
        handle({ ...(call as AppCall<v.InferOutput<Input>>), ...change }),
      )
    },
  }
}

interface Scheduled {
  /** Milliseconds between two ticks; a multiple of 1,000. */
  everyMs: number
  /** Returns the rooms with work to do. Rooms in which the app is not installed are skipped. */
  rooms: (call: { db: Reader; at: Date }) => Promise<RoomId[]>
}

interface DeclaredSchedule extends Scheduled {
  handle: (call: ScheduledCall) => Promise<void>
}

/**
 * Declares work that is not started by a call. At each tick, one of all processes runs `handle` for each
 * room, in a transaction. If it fails, the next tick tries again, so it must be idempotent.
 */
export function scheduled(
  when: Scheduled,
  handle: (call: ScheduledCall) => Promise<void>,
): DeclaredSchedule {
  const unknown = Object.keys(when).find((name) => name !== 'everyMs' && name !== 'rooms')
  if (unknown !== undefined)
    throw new TypeError(`scheduled: there is no option ${unknown}; give everyMs and rooms`)
  return { ...when, handle }
}

type Actions = Readonly<Record<string, Declared>>

/** A room app: the functions of its actions, and what the registry stores about it. */
export interface AppDefinition<Own extends Actions = Actions> extends FunctionSet {
  readonly id: AppId
  readonly name: string
  readonly version: string
  readonly needs: readonly AppNeed[]
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
  /** Permissions beyond the app's own data. The page shows them to the moderator who installs the app. */
  needs?: readonly AppNeed[]
  actions: Own
  /** Work that is not started by a call. Their names must differ from those of the actions. */
  schedules?: Readonly<Record<string, DeclaredSchedule>>
}

/** Defines a room app, the default export of `apps/{id}/index.ts`. */
export function defineApp<const Own extends Actions>(
  manifest: AppManifest<Own>,
): AppDefinition<Own> {
  const { id, name, version, needs = [], actions, schedules = {} } = manifest
  const own = { app: v.parse(AppId, id), version, needs }
  const functions = [
    ...Object.entries(actions).map(([name, one]) => [name, toFunction(own, name, one)] as const),
    ...Object.entries(schedules).map(([name, one]) => [name, toSchedule(own, one)] as const),
  ].map(([name, definition]) => [`app.${id}.${name}`, definition] as const)
  const twice = Object.keys(schedules).find((name) => name in actions)
  if (twice) throw new Error(`The app ${id} has an action and a schedule with the name ${twice}`)
  return {
    ...defineFunctions(Object.fromEntries(functions)),
    id: own.app,
    name,
    version,
    needs,
    actions,
  }
}

interface Own {
  app: AppId
  version: string
  needs: readonly AppNeed[]
}

function toFunction(own: Own, action: string, { shape, run }: Declared): FunctionDefinition {
  const { app, version, needs } = own
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
      const call = { user, room, role, data, pseudonym }
      return withoutParameters(() => run(call, { app, needs, context }))
    },
    {
      version,
      queue: `${app}-workers`,
      limit: limit ?? { max: 60, windowMs: 60_000 },
      env: IdKeyEnv,
      resources: resourcesOf(needs),
      // Each call holds one of the few connections to the database.
      concurrency: 4,
    },
  )
}

function toSchedule(
  { app, version, needs }: Own,
  { everyMs, rooms, handle }: DeclaredSchedule,
): FunctionDefinition {
  return defineFunction(
    schedule({ everyMs }),
    async ({ at }, context) => {
      for (const room of await findInstalled(app, await rooms({ db, at }))) {
        try {
          const origin = { app, needs, room, context }
          await withoutParameters(() =>
            changeRoom(origin, (change) => handle({ room, at, ...change })),
          )
        } catch (error) {
          context.signal.throwIfAborted()
          context.log.error(
            { err: error, app, room },
            'a schedule failed, the next tick repeats it',
          )
        }
      }
    },
    { version, env: IdKeyEnv, resources: resourcesOf(needs) },
  )
}

function resourcesOf(needs: readonly AppNeed[]) {
  return needs.includes('post') ? [CHAT_MESSAGES] : []
}
