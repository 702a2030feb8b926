import type { RoomId } from '#schema/ids'
import { newClientId } from '../support/app.ts'
import type { AckedChange } from './evidence.ts'
import { isUnknown, type Person } from './person.ts'
import type { Random } from './random.ts'
import {
  inventText,
  keep,
  keepAck,
  move,
  openDirect,
  pickRoom,
  pickSaid,
  type Story,
} from './story.ts'

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
  read: 6,
  type: 3,
  heartbeat: 2,
  create: 0.7,
  direct: 1,
  join: 5,
  leave: 2,
  invite: 3,
  kick: 2,
  appoint: 1,
  rename: 0.5,
  archive: 0.3,
  restore: 1,
  reconnect: 1,
}

/** Does one thing that a person might do. What is refused is no fault: many things are meant to be. */
export async function act(person: Person, story: Story, random: Random): Promise<void> {
  const name = random.weighted(weights)
  await operations[story.rooms.length === 0 ? 'create' : name](person, story, random)
}

/** What those who have just come find: somewhere to talk. */
export async function begin(people: readonly Person[], story: Story, random: Random) {
  const [first, second] = people
  if (!first || !second) throw new Error('It takes two people')
  for (const kind of ['public', 'private'] as const) await create(first, story, random, kind)
  await openDirect(story, first, second.user)
  for (const { id: room, kind } of story.rooms.filter(({ kind }) => kind !== 'direct'))
    for (const { user } of people) {
      if (kind === 'private' && user.endsWith('3')) continue
      await move(story, { user, room, way: 'in' }, () =>
        first.ask('room.invite', { room, userId: user }),
      )
    }
}

const emoji = ['👍', '❤️', '🎉', '😄']
/** How often somebody tries to say something, where it is not known whether it was said. */
const tries = 5

const operations: Record<keyof typeof weights, Operation> = {
  async send(person, story, random) {
    const room = pickRoom(person, story, random)
    const said = { room, clientId: newClientId(), text: inventText(story, room, random) }
    for (let attempt = 1; attempt <= tries; attempt++) {
      const outcome = await person.ask('send', said)
      if (outcome.ok) return keepAck(story, person, { ...said, ...outcome.value })
      if (!isUnknown(outcome.code)) return
    }
  },

  /** At once, as two tabs would: the first attempt may have got through, or not. */
  async sendAgain(person, story, random) {
    const room = pickRoom(person, story, random)
    const said = { room, clientId: newClientId(), text: inventText(story, room, random) }
    const both = [person.ask('send', said), person.ask('send', said)]
    for (const outcome of await Promise.all(both))
      if (outcome.ok) keepAck(story, person, { ...said, ...outcome.value })
  },

  async sendThread(person, story, random) {
    const root = pickSaid(story, random)
    if (!root) return
    const { room, id: threadId } = root
    const said = { room, threadId, clientId: newClientId(), text: inventText(story, room, random) }
    const outcome = await person.ask('send.thread', said)
    if (outcome.ok) keepAck(story, person, { ...said, ...outcome.value })
  },

  async sendWithoutReply(person, story, random) {
    const room = pickRoom(person, story, random)
    const text = inventText(story, room, random)
    person.client.publish('send', { room, clientId: newClientId(), text })
  },

  async edit(person, story, random) {
    const message = pickSaid(story, random, person.user)
    if (!message) return
    const { room, id, notifyId } = message
    const text = `${inventText(story, room, random)}, edited`
    const outcome = await person.ask('msg.edit', { notifyId, text })
    if (outcome.ok) keepChange(story, person, { kind: 'edit', room, id, text, ...outcome.value })
  },

  async remove(person, story, random) {
    const message = pickSaid(story, random, person.user)
    if (!message) return
    const { room, id, notifyId } = message
    const outcome = await person.ask('msg.delete', { notifyId })
    if (outcome.ok) keepChange(story, person, { kind: 'delete', room, id, ...outcome.value })
  },

  async react(person, story, random) {
    const message = pickSaid(story, random)
    if (!message) return
    const { room, id, notifyId } = message
    const word = { emoji: random.pick(emoji), on: random.next() < 0.7 }
    const outcome = await person.ask('msg.react', { notifyId, ...word })
    if (outcome.ok)
      keepChange(story, person, { kind: 'react', room, id, ...word, ...outcome.value })
  },

  async markRead(person, story, random) {
    const message = pickSaid(story, random)
    if (!message) return
    const { room, seq } = message
    const { outcome, deed } = await keep(story.readMarks, { user: person.user, room, seq }, () =>
      person.ask('read.update', { room, seq, unread: random.next() < 0.2 }),
    )
    if (outcome.ok) deed.seq = outcome.value.seq
  },

  /** What comes is looked at where it comes in. */
  async read(person, story, random) {
    const room = pickRoom(person, story, random)
    const message = pickSaid(story, random)
    await person.ask('chat.history', { room })
    await person.ask('chat.sync', { room, since: random.next() < 0.5 ? 0 : (message?.seq ?? 0) })
    await person.ask('room.info', { room })
    await person.ask('presence.room', { room })
    if (!message) return
    const { notifyId, id: threadId } = message
    await person.ask('msg.get', { notifyId })
    await person.ask('msg.versions', { notifyId })
    await person.ask('chat.history.thread', { room: message.room, threadId })
  },

  async type(person, story, random) {
    await person.ask('typing', { room: pickRoom(person, story, random) })
  },

  async heartbeat({ ask, user }, _story, random) {
    await ask('presence.heartbeat', { connId: user })
    const status = random.pick(['online', 'away', 'busy'] as const)
    if (random.next() < 0.3) await ask('presence.update', { status })
    if (random.next() < 0.1) await ask('presence.disconnect', { connId: user })
  },

  create(person, story, random) {
    return create(person, story, random, random.pick(['public', 'private', 'private'] as const))
  },

  direct: (person, story, random) => openDirect(story, person, random.pick(story.users)),

  async join(person, story, random) {
    const room = pickRoom(person, story, random)
    const come = () => person.ask('room.join', { room })
    const { ok } = await move(story, { user: person.user, room, way: 'in' }, come)
    // The room is read before anything is heard of it, or it would be only after.
    if (ok) await person.follow(room).catchUp()
  },

  async leave(person, story, random) {
    const room = pickRoom(person, story, random)
    const go = () => person.ask('room.leave', { room })
    await move(story, { user: person.user, room, way: 'out' }, go)
  },

  async invite(person, story, random) {
    const [room, userId] = [pickRoom(person, story, random), random.pick(story.users)]
    const ask = () => person.ask('room.invite', { room, userId })
    await move(story, { user: userId, room, way: 'in' }, ask)
  },

  async kick(person, story, random) {
    const [room, userId] = [pickRoom(person, story, random), random.pick(story.users)]
    const ask = () => person.ask('room.kick', { room, userId })
    await move(story, { user: userId, room, way: 'out', isKick: true }, ask)
  },

  async appoint(person, story, random) {
    const [room, userId] = [pickRoom(person, story, random), random.pick(story.users)]
    const role = random.pick(['moderator', 'member', 'owner'] as const)
    await person.ask('room.role', { room, userId, role })
  },

  async rename(person, story, random) {
    await person.ask('room.rename', { room: pickRoom(person, story, random), name: 'Another name' })
  },

  archive: (person, story, random) => close(person, story, random, true),
  restore: (person, story, random) => close(person, story, random, false),
  reconnect: (person) => person.reconnect(),
}

async function create(person: Person, story: Story, random: Random, kind: 'public' | 'private') {
  const room = `room-${random.between(0, 2 ** 32).toString(36)}-${story.rooms.length}` as RoomId
  const ask = () => person.ask('room.create', { room, name: 'A room', kind })
  // It may be there although nobody said so.
  const { ok } = await move(story, { user: person.user, room, way: 'in' }, ask)
  story.rooms.push({ id: room, kind })
  if (ok) await person.follow(room).catchUp()
}

async function close(person: Person, story: Story, random: Random, archived: boolean) {
  const room = pickRoom(person, story, random)
  const ask = () => person.ask('room.archive', { room, archived })
  await keep(story.closings, { room, way: archived ? 'out' : 'in' }, ask)
}

function keepChange(story: Story, { user }: Person, change: Omit<AckedChange, 'user' | 'at'>) {
  story.changes.push({ ...change, user, at: Date.now() })
}
