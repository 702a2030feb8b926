import type { MessageId, NotifyId, RoomId, UserId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { RoomKind } from '#schema/messages/room'
import { newClientId } from '../harness.ts'
import type { Ack, Move } from './evidence.ts'
import { isUnknown, type Name, type Outcome, type Person } from './person.ts'
import type { Random } from './random.ts'

/** What all of them have done so far, and with what. */
export interface Story {
  users: readonly UserId[]
  rooms: { id: RoomId; kind: RoomKind }[]
  acks: Ack[]
  moves: Move[]
  /** `{room}.{user}` for who came last, as far as anybody knows. */
  belongs: Set<string>
  reads: { user: UserId; room: RoomId; at: number; by: string }[]
  said: { room: RoomId; id: MessageId; notifyId: NotifyId; sender: UserId }[]
}

type Operation = (person: Person, story: Story, random: Random) => Promise<void>

const weights = {
  send: 40,
  sendAgain: 4,
  sendThread: 10,
  sendWithoutReply: 3,
  edit: 8,
  remove: 3,
  react: 8,
  markRead: 8,
  read: 10,
  type: 3,
  create: 1,
  direct: 1,
  join: 5,
  leave: 2,
  invite: 3,
  kick: 2,
  appoint: 1,
  archive: 0.3,
  restore: 1,
  reconnect: 1,
}

/** Does one thing that a person might do. What is refused is no fault: many things are meant to be. */
export async function act(person: Person, story: Story, random: Random): Promise<void> {
  const name = random.weighted(weights)
  if (story.rooms.length === 0) return operations.create(person, story, random)
  await operations[name](person, story, random)
}

const unknownMs = 10_000
const emoji = ['👍', '❤️', '🎉', '😄']

const operations: Record<keyof typeof weights, Operation> = {
  send: (person, story, random) => say(person, story, random, newClientId()),

  /** The first attempt may have got through, or not. */
  async sendAgain(person, story, random) {
    const clientId = newClientId()
    const room = pickRoom(person, story, random)
    const text = writeText(room, story, random)
    const first = person.ask('send', { room, clientId, text })
    const second = person.ask('send', { room, clientId, text })
    for (const outcome of await Promise.all([first, second]))
      if (outcome.ok) keepAck(story, person, { room, clientId, text, ...outcome.value })
  },

  async sendThread(person, story, random) {
    const root = pickSaid(story, random)
    if (!root) return
    const { room, id: threadId } = root
    const clientId = newClientId()
    const text = writeText(room, story, random)
    const outcome = await person.ask('send.thread', { room, threadId, clientId, text })
    if (outcome.ok) keepAck(story, person, { room, clientId, text, ...outcome.value })
  },

  async sendWithoutReply(person, story, random) {
    const room = pickRoom(person, story, random)
    const text = writeText(room, story, random)
    person.client.publish('send', { room, clientId: newClientId(), text })
  },

  async edit(person, story, random) {
    const message = pickSaid(story, random, person.user)
    if (!message) return
    const text = `${writeText(message.room, story, random)}, edited`
    await person.ask('msg.edit', { notifyId: message.notifyId, text })
  },

  async remove(person, story, random) {
    const message = pickSaid(story, random, person.user)
    if (message) await person.ask('msg.delete', { notifyId: message.notifyId })
  },

  async react(person, story, random) {
    const message = pickSaid(story, random)
    if (!message) return
    const [on, sign] = [random.next() < 0.7, random.pick(emoji)]
    await person.ask('msg.react', { notifyId: message.notifyId, emoji: sign, on })
  },

  async markRead(person, story, random) {
    const message = pickSaid(story, random)
    if (!message) return
    const { room, notifyId } = message
    const seq = Number.parseInt(notifyId, 36)
    await person.ask('read.update', { room, seq, unread: random.next() < 0.2 })
  },

  async read(person, story, random) {
    const room = pickRoom(person, story, random)
    const at = Date.now()
    const message = pickSaid(story, random)
    const asked: [RoomId, Name, Outcome<Name>][] = [
      [room, 'chat.history', await person.ask('chat.history', { room })],
      [room, 'chat.sync', await person.ask('chat.sync', { room, since: 0 })],
      [room, 'presence.room', await person.ask('presence.room', { room })],
    ]
    if (message) {
      const { notifyId } = message
      asked.push([message.room, 'msg.get', await person.ask('msg.get', { notifyId })])
    }
    for (const [room, by, { ok }] of asked)
      if (ok) story.reads.push({ user: person.user, room, at, by })
  },

  async type(person, story, random) {
    await person.ask('typing', { room: pickRoom(person, story, random) })
  },

  async create(person, story, random) {
    const room = `room-${crypto.randomUUID()}` as RoomId
    const kind = random.pick(['public', 'private', 'private'] as const)
    const outcome = await move(story, person.user, room, 'in', () =>
      person.ask('room.create', { room, name: 'A room', kind }),
    )
    if (outcome.ok) story.rooms.push({ id: room, kind })
  },

  async direct(person, story, random) {
    const other = random.pick(story.users)
    const start = Date.now()
    const outcome = await person.ask('room.direct', { with: other })
    if (!outcome.ok) return
    const { id } = outcome.value.room
    for (const user of [person.user, other]) {
      story.moves.push({ user, room: id, way: 'in', start, end: Date.now(), isSure: true })
      story.belongs.add(`${id}.${user}`)
    }
    if (!story.rooms.some((known) => known.id === id)) story.rooms.push({ id, kind: 'direct' })
  },

  async join(person, story, random) {
    const room = pickRoom(person, story, random)
    await move(story, person.user, room, 'in', () => person.ask('room.join', { room }))
  },

  async leave(person, story, random) {
    const room = pickRoom(person, story, random)
    await move(story, person.user, room, 'out', () => person.ask('room.leave', { room }))
  },

  async invite(person, story, random) {
    const [room, userId] = [pickRoom(person, story, random), random.pick(story.users)]
    await move(story, userId, room, 'in', () => person.ask('room.invite', { room, userId }))
  },

  async kick(person, story, random) {
    const [room, userId] = [pickRoom(person, story, random), random.pick(story.users)]
    await move(story, userId, room, 'out', () => person.ask('room.kick', { room, userId }), true)
  },

  async appoint(person, story, random) {
    const [room, userId] = [pickRoom(person, story, random), random.pick(story.users)]
    const role = random.pick(['moderator', 'member', 'owner'] as const)
    await person.ask('room.role', { room, userId, role })
  },

  async archive(person, story, random) {
    const room = pickRoom(person, story, random)
    await moveAll(story, room, 'out', () => person.ask('room.archive', { room }))
  },

  async restore(person, story, random) {
    const room = pickRoom(person, story, random)
    await moveAll(story, room, 'in', () => person.ask('room.archive', { room, archived: false }))
  },

  reconnect: (person) => person.reconnect(),
}

async function say(person: Person, story: Story, random: Random, clientId: string) {
  const room = pickRoom(person, story, random)
  const text = writeText(room, story, random)
  const outcome = await person.ask('send', { room, clientId, text })
  if (outcome.ok) keepAck(story, person, { room, clientId, text, ...outcome.value })
}

function keepAck(
  story: Story,
  { user }: Person,
  ack: { room: RoomId; clientId: string; text: string; id: MessageId; seq: number },
) {
  const { room, id, seq } = ack
  story.acks.push({ ...ack, user } as Ack)
  story.said.push({ room, id, sender: user, notifyId: toNotifyId({ id, seq }) })
}

/** Does what makes somebody come or go, and keeps when. */
async function move<N extends Name>(
  story: Story,
  user: UserId,
  room: RoomId,
  way: Move['way'],
  ask: () => Promise<Outcome<N>>,
  isKick = false,
): Promise<Outcome<N>> {
  const entry: Move = { user, room, way, isKick, start: Date.now(), end: Infinity, isSure: false }
  // There from the start: whoever looks meanwhile must know that it may happen.
  story.moves.push(entry)
  const outcome = await ask()
  if (outcome.ok) {
    Object.assign(entry, { end: Date.now(), isSure: true })
    if (way === 'in') story.belongs.add(`${room}.${user}`)
    else story.belongs.delete(`${room}.${user}`)
  } else if (!isUnknown(outcome.code)) story.moves.splice(story.moves.indexOf(entry), 1)
  // What has had no answer may still be done until its time is over.
  else entry.end = Date.now() + unknownMs
  return outcome
}

/** The same for all who have been in a room. */
async function moveAll(
  story: Story,
  room: RoomId,
  way: Move['way'],
  ask: () => Promise<Outcome<Name>>,
) {
  const wereIn = story.moves.filter((it) => it.room === room && it.way === 'in')
  const users = new Set(wereIn.map(({ user }) => user))
  const done = ask()
  await Promise.all([...users].map((user) => move(story, user, room, way, () => done)))
  await done
}

/** Mostly one that they may belong to, now and then one that is none of their business. */
function pickRoom({ user }: Person, { rooms, belongs }: Story, random: Random): RoomId {
  const own = rooms.filter(({ id }) => belongs.has(`${id}.${user}`))
  return random.pick(own.length > 0 && random.next() < 0.85 ? own : rooms).id
}

function pickSaid({ said }: Story, random: Random, by?: UserId) {
  const recent = said.slice(-200).filter(({ sender }) => by === undefined || sender === by)
  return recent.length === 0 ? undefined : random.pick(recent)
}

let count = 0

/** Every text says where it was written, so that it is known again wherever it turns up. */
function writeText(room: RoomId, { users }: Story, random: Random): string {
  const mention = random.next() < 0.2 ? ` @${random.pick(users)}` : ''
  const rest = random.next() < 0.05 ? ' and so on'.repeat(150) : ''
  return `${++count} [in ${room}]${mention}${rest}`
}
