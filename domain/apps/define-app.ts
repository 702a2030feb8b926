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
import { AppId, type AppNeed, appAction, appAudience } from '#schema/messages/app'
import { hasRight, type Right } from '#schema/roles'
import { CHAT_MESSAGES } from '#schema/streams'
import { IdKeyEnv } from '../auth/id-key.ts'
import type { Reader } from '../rooms/room-lock.ts'
import { changeRoom, type RoomChange } from './change-room.ts'
import { ensure } from './ensure.ts'
import { admittedMember } from './guard.ts'
import { withoutParameters } from './query-errors.ts'
import { findInstalled } from './registry.ts'

/**
 * The argument of an app's handler. The client cannot forge `user`, and only members of `room` can
 * call the handler. `data` is chosen by the client; only its schema has been checked.
 */
interface AppCall<Data> {
  readonly user: UserId
  readonly room: RoomId
  readonly data: Data
  /** Returns whether the caller's role in the room has this right. */
  may(right: Right): boolean
  /**
   * Returns a pseudonym of the caller. Calls by the same user in the same room with the same
   * `purpose` return the same pseudonym. It cannot be traced to the user without the key
   * NATTER_ID_KEY.
   */
  pseudonym(purpose: string): string
}

interface QueryCall<Data> extends AppCall<Data> {
  readonly db: Reader
}

interface ActionCall<Data> extends AppCall<Data>, RoomChange {}

interface ScheduledCall extends RoomChange {
  readonly room: RoomId
  /** The time of the tick at which the schedule runs. */
  readonly at: Date
}

/** The input of an action: the schemas of its fields, by name. Other fields are rejected as invalid. */
type Fields = v.ObjectEntries
type InputOf<Own extends Fields> = v.InferInput<v.StrictObjectSchema<Own, undefined>>
type DataOf<Own extends Fields> = v.InferOutput<v.StrictObjectSchema<Own, undefined>>

interface Options {
  description?: string
  /**
   * Further error codes that a call may return. `forbidden`, `not_found`, `conflict` and the codes
   * that any function may return need not be listed.
   */
  errors?: readonly ErrorCode[]
  /** Default: in a minute, each user may call each query 300 times and each action 60 times. */
  limit?: NonNullable<FunctionOptions['limit']>
}

interface Declared<Input = unknown, Answer = unknown> {
  /** Never set. It only carries the types of the input and the answer to the compiler. */
  readonly types?: { input: Input; answer: Answer }
  readonly input: Fields
  readonly options: Options
  readonly run: (call: AppCall<unknown>, context: AppContext) => Promise<unknown>
}

interface AppContext {
  app: AppId
  needs: readonly AppNeed[]
  context: Context<IdKeyEnv>
}

/** The type of a value after it was sent as JSON. */
type Json<Value> = Value extends Date
  ? string
  : Value extends string | number | boolean | null | undefined
    ? Value
    : Value extends object
      ? { [Key in keyof Value]: Json<Value[Key]> }
      : Value

const perMinute = (max: number) => ({ max, windowMs: 60_000 })

/**
 * Declares an action that only reads. Guests of the room may call it. The caller receives the whole result of
 * the handler as JSON, so the result must not contain fields that the caller may not see.
 */
export function query<const Input extends Fields, Result>(
  input: Input,
  handle: (call: QueryCall<DataOf<Input>>) => Result | Promise<Result>,
  options: Options = {},
): Declared<InputOf<Input>, Json<Result>> {
  return {
    input,
    options: { limit: perMinute(300), ...options },
    run: async (call) => handle({ ...(call as AppCall<DataOf<Input>>), db }),
  }
}

/**
 * Declares an action that may change the app's data. Its handler runs in a transaction, and is not called for
 * guests of the room.
 */
export function action<const Input extends Fields, Result>(
  input: Input,
  handle: (call: ActionCall<DataOf<Input>>) => Result | Promise<Result>,
  options: Options = {},
): Declared<InputOf<Input>, Json<Result>> {
  return {
    input,
    options: { limit: perMinute(60), ...options },
    async run(call, { context, ...origin }) {
      ensure(call.may('speak'), 'forbidden', 'As a guest of this room you may not change anything')
      const { room, user } = call
      return changeRoom({ ...origin, room, user, context }, async (change) =>
        handle({ ...(call as AppCall<DataOf<Input>>), ...change }),
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
 * Declares work that runs at intervals, without a call. At each tick, one process runs `handle` for
 * each room that `rooms` returns, in one transaction per room. If `handle` fails, the next tick
 * calls it again, so it must be idempotent.
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

/** A room app: its functions, and the properties that are stored in the table `apps`. */
export interface AppDefinition<Own extends Actions = Actions> extends FunctionSet {
  readonly id: AppId
  readonly name: string
  readonly version: string
  readonly needs: readonly AppNeed[]
  readonly actions: Own
}

/** For the app's component in the page: the types of the input and the answer of each action. */
export type ActionsOf<App extends AppDefinition> = {
  [Name in keyof App['actions']]: App['actions'][Name] extends Declared<infer Input, infer Answer>
    ? { input: Input; answer: Answer }
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
  /**
   * Work that runs at intervals, see `scheduled`. The names of schedules must differ from those of
   * the actions.
   */
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

/** If a handler returns nothing, the answer is an empty object. */
const Anything = v.optional(v.unknown(), {})

interface Own {
  app: AppId
  version: string
  needs: readonly AppNeed[]
}

function toFunction(own: Own, action: string, declared: Declared): FunctionDefinition {
  const { app, version, needs } = own
  const { input, run } = declared
  const { description, errors = [], limit } = declared.options
  const contract = {
    subject: `app.${app}.{room}.${action}`,
    input: v.strictObject({ room: RoomId, data: v.optional(v.strictObject(input), {}) }),
    output: Anything,
    audience: appAudience,
    errors: [...appAction.errors, ...errors],
    ...(description === undefined ? {} : { description }),
  } as const
  return defineFunction(
    contract,
    async ({ room, data }, context) => {
      const member = admittedMember(context)
      const { user } = member
      const may = (right: Right) => hasRight(member, right)
      const pseudonym = (purpose: string) =>
        createHmac('sha256', context.env.NATTER_ID_KEY)
          .update(JSON.stringify(['pseudonym', app, room, purpose, user]))
          .digest('base64url')
      const call = { user, room, data, may, pseudonym }
      return withoutParameters(() => run(call, { app, needs, context }))
    },
    {
      version,
      queue: `${app}-workers`,
      ...(limit && { limit }),
      env: IdKeyEnv,
      resources: resourcesOf(needs),
      // The concurrency is low, because a call may hold a database connection until it ends, and
      // each process has only a few of these connections.
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
