import { directRoomOf } from '#domain/rooms/direct-room'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { type NotifyId, toNotifyId } from '#schema/ids'
import type { RoomKind } from '#schema/messages/room'
import type { Ack, AckedChange, Closing, Deed, Move, ReadMark } from './evidence.ts'
import { isUnknown, type Name, type Outcome, type Person } from './person.ts'
import type { Random } from './random.ts'
import { writeText } from './wire.ts'

/** What all of them have done so far, and with what. */
export interface Story {
  users: readonly UserId[]
  rooms: { id: RoomId; kind: RoomKind }[]
  /** `{room}.{user}` for who came last, as far as anybody knows. */
  belongs: Set<string>
  said: Said[]
  acks: Ack[]
  changes: AckedChange[]
  moves: Move[]
  closings: Closing[]
  readMarks: ReadMark[]
  texts: number
}

interface Said {
  room: RoomId
  id: MessageId
  seq: number
  notifyId: NotifyId
  sender: UserId
}

/** How long something may still be done of which the answer was lost, in milliseconds. */
const lateMs = 20_000

export function createStory(users: readonly UserId[]): Story {
  const lists = { rooms: [], said: [], acks: [], changes: [], moves: [], closings: [] }
  return { users, ...lists, readMarks: [], belongs: new Set(), texts: 0 }
}

/** Does something and keeps when, and whether it is certain. What was refused has not happened. */
export async function keep<D extends Deed, N extends Name>(
  list: D[],
  deed: Omit<D, keyof Deed>,
  ask: () => Promise<Outcome<N>>,
): Promise<{ outcome: Outcome<N>; deed: D }> {
  const entry = { ...deed, start: Date.now(), end: Number.POSITIVE_INFINITY, isSure: false } as D
  // There from the start: whoever looks meanwhile must know that it may happen.
  list.push(entry)
  const outcome = await ask()
  if (outcome.ok) Object.assign(entry, { end: Date.now(), isSure: true })
  else if (isUnknown(outcome.code)) entry.end = Date.now() + lateMs
  else list.splice(list.lastIndexOf(entry), 1)
  return { outcome, deed: entry }
}

/** Does what makes somebody come or go. */
export async function move<N extends Name>(
  story: Story,
  deed: Omit<Move, keyof Deed>,
  ask: () => Promise<Outcome<N>>,
): Promise<Outcome<N>> {
  const { outcome } = await keep(story.moves, deed, ask)
  if (!outcome.ok) return outcome
  const key = `${deed.room}.${deed.user}`
  if (deed.way === 'in') story.belongs.add(key)
  else story.belongs.delete(key)
  return outcome
}

/** Both come into the room of two, whoever asks. */
export async function openDirect(story: Story, person: Person, other: UserId) {
  const room = directRoomOf(person.user, other)
  const ask = person.ask('room.direct', { with: other })
  const pair = [...new Set([person.user, other])]
  await Promise.all(pair.map((user) => move(story, { user, room, way: 'in' }, () => ask)))
  if ((await ask).ok && !story.rooms.some(({ id }) => id === room))
    story.rooms.push({ id: room, kind: 'direct' })
}

export function keepAck(
  story: Story,
  { user }: Person,
  ack: { room: RoomId; clientId: string; text: string; id: MessageId; seq: number },
) {
  const { room, id, seq, text } = ack
  const notifyId = toNotifyId({ id, seq })
  story.acks.push({ user, room, id, seq, text, clientId: ack.clientId as ClientId })
  // A retry is acknowledged again.
  if (story.said.findLast((said) => said.id === id)) return
  story.said.push({ room, id, seq, sender: user, notifyId })
}

/** Mostly one that they may belong to, now and then one that is none of their business. */
export function pickRoom({ user }: Person, { rooms, belongs }: Story, random: Random): RoomId {
  const own = rooms.filter(({ id }) => belongs.has(`${id}.${user}`))
  return random.pick(own.length > 0 && random.next() < 0.85 ? own : rooms).id
}

/** Something that was said lately: by anybody, or by one. */
export function pickSaid({ said }: Story, random: Random, by?: UserId): Said | undefined {
  const recent = said.slice(-200).filter(({ sender }) => by === undefined || sender === by)
  return recent.length === 0 ? undefined : random.pick(recent)
}

/** Now and then it names somebody, and now and then it is too long to be told with the notification. */
export function inventText(story: Story, room: RoomId, random: Random): string {
  const mention = random.next() < 0.2 ? ` @${random.pick(story.users)}` : ''
  const rest = random.next() < 0.05 ? ' and so on'.repeat(150) : ''
  return writeText(++story.texts, room, mention + rest)
}
