import { createHash } from 'node:crypto'
import { and, eq, inArray } from 'drizzle-orm'
import * as v from 'valibot'
import { appSender } from '#schema/app-sender'
import { type ClientId, type RoomId, UserId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { Card } from '#schema/messages/event'
import { StorableText } from '#schema/storable-text'
import { messages } from '#schema/tables/message'
import { users as userTable } from '#schema/tables/user'
import { enqueueEvents } from '../log/event-outbox.ts'
import { deriveMessageId } from '../messages/send.ts'
import type { Transaction } from '../rooms/room-lock.ts'
import { publicUser } from '../users/directory.ts'

export interface Post {
  texts: Card['texts']
  key: string
  args?: Readonly<Record<string, string>>
  /**
   * User ids by the name of a placeholder in `texts`. Readers see the current name of the user
   * instead of the placeholder.
   */
  users?: Readonly<Record<string, UserId>>
}

interface Origin {
  app: AppId
  room: RoomId
  /** The caller of the action that posts; absent if a schedule posts. */
  user?: UserId | undefined
  idKey: string
}

/**
 * Maximum length of the text of an app's message. The notification of a message does not contain a
 * longer text, so clients would have to fetch it.
 */
const maxTextLength = 1_000

const placeholder = /\{\{ (\w+) \}\}/g

const Texts = v.strictObject(v.entriesFromList(['en', 'de', 'zh', 'ar'], StorableText))
const Args = v.record(v.string(), StorableText)
const Users = v.record(v.string(), UserId)

/**
 * Throws for invalid texts, arguments or users, for a placeholder without a value, and for a text
 * that is too long.
 */
export function checkPost({ texts, args = {}, users = {} }: Post): void {
  v.parse(Texts, texts)
  v.parse(Args, args)
  v.parse(Users, users)
  const known = new Set(['user', ...Object.keys(args), ...Object.keys(users)])
  for (const text of Object.values(texts)) {
    const missing = placeholdersIn(text).find((name) => !known.has(name))
    if (missing !== undefined)
      throw new Error(`post: args and users have no ${missing} for "${text}"`)
    const { length } = fill(text, args)
    if (length > maxTextLength)
      throw new RangeError(
        `post: the text has ${length} characters; the maximum is ${maxTextLength}`,
      )
  }
}

/**
 * Inserts a message of an app into the outbox, unless the app has already posted a message with this key in
 * this room. The caller must call `flushOutbox` after the commit.
 */
export async function enqueuePost(
  { texts, key, args = {}, users }: Post,
  { app, room, user, idKey }: Origin,
  tx: Transaction,
): Promise<void> {
  const sender = appSender(app)
  const clientId = clientIdOf(room, key)
  if (await isSent(sender, clientId, tx)) return
  const by = Object.values(texts).some((text) => text.includes('{{ user }}')) ? user : undefined
  const names = await readNames({ ...users, ...(by && { user: by }) }, tx)
  const message = {
    kind: 'message' as const,
    id: deriveMessageId(idKey, sender, clientId),
    room,
    sender,
    clientId,
    text: fill(texts.en, { ...args, ...names }),
    // The message mentions no user: `args` may contain user input, and a mention in it must not
    // notify users in the name of the app.
    mentions: [],
    card: v.parse(Card, { texts, args, by, users }),
  }
  await enqueueEvents([message], tx)
}

function clientIdOf(room: RoomId, key: string): ClientId {
  return createHash('sha256')
    .update(JSON.stringify([room, key]))
    .digest('base64url') as ClientId
}

/**
 * Returns whether the app has already posted this message. Reads the database, because the stream
 * deduplicates messages only for some minutes.
 */
async function isSent(sender: UserId, clientId: ClientId, tx: Transaction): Promise<boolean> {
  const hasKey = and(eq(messages.sender, sender), eq(messages.clientId, clientId))
  return (await tx.select({ id: messages.id }).from(messages).where(hasKey)).length > 0
}

/**
 * Returns the name of the user for each placeholder. For an unknown user, returns the id instead of
 * a name.
 */
async function readNames(
  named: Readonly<Record<string, UserId>>,
  tx: Transaction,
): Promise<Record<string, string>> {
  const ids = Object.values(named)
  if (ids.length === 0) return {}
  const shown = { id: userTable.id, name: publicUser.name }
  const rows = await tx.select(shown).from(userTable).where(inArray(userTable.id, ids))
  const names = new Map(rows.map(({ id, name }) => [id, name]))
  return Object.fromEntries(Object.entries(named).map(([key, id]) => [key, names.get(id) ?? id]))
}

function placeholdersIn(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name = '']) => name)
}

function fill(text: string, args: Readonly<Record<string, string>>): string {
  return text.replace(placeholder, (whole, name) => args[name] ?? whole)
}
