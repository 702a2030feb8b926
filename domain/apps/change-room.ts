import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type AppId, type AppNeed, appUpdated } from '#schema/messages/app'
import type { IdKeyEnv } from '../auth/id-key.ts'
import { flushOutbox } from '../log/event-outbox.ts'
import type { Transaction } from '../rooms/room-lock.ts'
import { notUsable } from './guard.ts'
import { lockInRoom, type TableOfRooms, type Values } from './in-room.ts'
import { checkPost, enqueuePost, type Post } from './post.ts'
import { lockInstallation, nextVersion } from './registry.ts'

/** Changes that a handler can make in a room. */
export interface RoomChange {
  /** The transaction of this call. It is rolled back if the handler throws. */
  readonly db: Transaction
  /**
   * Returns the row of `table` that belongs to the room and whose columns have these `values`.
   * Locks the row until the end of the transaction, so that calls change it one after the other.
   * Throws `not_found` if there is no such row.
   */
  lock<Table extends TableOfRooms>(
    table: Table,
    values: Values<Table>,
  ): Promise<Table['$inferSelect']>
  /**
   * Publishes `app.{app}.{room}.updated` to the members of the room after the commit. All members receive
   * `data`, at most 64 kB as JSON. A second call in the same handler replaces the data of the first.
   */
  tell(data?: unknown): void
  /**
   * Sends a message of the app to the room after the commit, in the language of each reader. In
   * `texts`, the value of a placeholder such as `{{ topic }}` comes from `options`: either the text
   * `args.topic`, or the name of the user whose id is `users.topic`. `{{ user }}` is replaced by
   * the name of the action's caller. An app posts at most one message with each `options.key` in a
   * room: a later call with the same key has no effect. The definition of the app must have
   * `needs: ['post']`.
   */
  post(texts: Post['texts'], options: Omit<Post, 'texts'>): void
}

interface Origin {
  app: AppId
  needs: readonly AppNeed[]
  room: RoomId
  /** The caller of the action; absent for a schedule. */
  user?: UserId
  context: Context<IdKeyEnv>
}

const maxUpdateBytes = 65_536

/**
 * Runs `work` in a transaction, and publishes its update and messages after the commit. Throws `forbidden`
 * if the app is not installed in the room any more.
 */
export async function changeRoom<Result>(
  { app, needs, room, user, context }: Origin,
  work: (change: RoomChange) => Promise<Result>,
): Promise<Result> {
  let update: { data?: unknown } | undefined
  const posts: Post[] = []

  function tell(data?: unknown) {
    // Throws here, before the commit, for data that cannot be published.
    const bytes = Buffer.byteLength(JSON.stringify(data) ?? '')
    if (bytes > maxUpdateBytes)
      throw new RangeError(`tell: ${bytes} bytes of data are more than ${maxUpdateBytes}`)
    update = data === undefined ? {} : { data }
  }

  function post(texts: Post['texts'], options: Omit<Post, 'texts'>) {
    if (!needs.includes('post'))
      throw new Error(`The app ${app} may not post: add needs: ['post'] to its definition`)
    checkPost({ texts, ...options })
    posts.push({ texts, ...options })
  }

  const { result, version } = await db.transaction(async (tx) => {
    const result = await work({
      db: tx,
      lock: (table, values) => lockInRoom(table, room, values, tx),
      tell,
      post,
    })
    if (posts.length > 0 && !(await lockInstallation(app, room, tx))) throw notUsable(app, room)
    const idKey = context.env.NATTER_ID_KEY
    for (const post of posts) await enqueuePost(post, { app, room, user, idKey }, tx)
    if (!update) return { result, version: undefined }
    // Locks the row of the installation until the commit, so that the `version` of updates
    // increases in the order of the commits.
    const version = await nextVersion(app, room, tx)
    if (version === undefined) throw notUsable(app, room)
    return { result, version }
  })
  if (version !== undefined) context.publish(appUpdated, { app, room, version, ...update })
  if (posts.length > 0)
    await flushOutbox(room, context).catch((error) =>
      context.log.warn({ err: error, app, room }, 'messages of an app are published later'),
    )
  return result
}
