import type { RoomId } from '#schema/ids'
import { newClientId } from '../support/app.ts'
import type { AcknowledgedChange } from './evidence.ts'
import {
  createText,
  type OperationHistory,
  openDirect,
  pickMessage,
  pickRoom,
  recordAck,
  recordMembership,
  recordOperation,
} from './operation-history.ts'
import type { Random } from './random.ts'
import { isIndeterminate, type SimulatedUser } from './simulated-user.ts'

type Operation = (actor: SimulatedUser, history: OperationHistory, random: Random) => Promise<void>

const weights = {
  send: 40,
  sendDuplicate: 4,
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
  changeRole: 1,
  rename: 0.5,
  archive: 0.3,
  restore: 1,
  reconnect: 1,
}

/** Runs a random operation. Many are rejected, because the user lacks the permission. */
export async function runOperation(
  actor: SimulatedUser,
  history: OperationHistory,
  random: Random,
): Promise<void> {
  const name = random.weighted(weights)
  await operations[history.rooms.length === 0 ? 'create' : name](actor, history, random)
}

export async function createInitialRooms(
  users: readonly SimulatedUser[],
  history: OperationHistory,
  random: Random,
) {
  const [first, second] = users
  if (!first || !second) throw new Error('A run takes at least two users')
  for (const kind of ['public', 'private'] as const) await create(first, history, random, kind)
  await openDirect(history, first, second.userId)
  for (const { id: room, kind } of history.rooms.filter(({ kind }) => kind !== 'direct'))
    for (const { userId, call } of users) {
      if (kind === 'private' && userId.endsWith('3')) continue
      await first.call('room.invite', { room, userId })
      await recordMembership(history, { user: userId, room, action: 'join' }, () =>
        call('room.join', { room }),
      )
    }
}

const emoji = ['👍', '❤️', '🎉', '😄']
const maxSendAttempts = 5

const operations: Record<keyof typeof weights, Operation> = {
  async send(actor, history, random) {
    const room = pickRoom(actor, history, random)
    const message = { room, clientId: newClientId(), text: createText(history, room, random) }
    for (let attempt = 1; attempt <= maxSendAttempts; attempt++) {
      const outcome = await actor.call('send', message)
      if (outcome.ok) return recordAck(history, actor, { ...message, ...outcome.value })
      if (!isIndeterminate(outcome.code)) return
    }
  },

  async sendDuplicate(actor, history, random) {
    const room = pickRoom(actor, history, random)
    const message = { room, clientId: newClientId(), text: createText(history, room, random) }
    const calls = [actor.call('send', message), actor.call('send', message)]
    for (const outcome of await Promise.all(calls))
      if (outcome.ok) recordAck(history, actor, { ...message, ...outcome.value })
  },

  async sendThread(actor, history, random) {
    const root = pickMessage(history, random)
    if (!root) return
    const { room, id: threadId } = root
    const message = {
      room,
      threadId,
      clientId: newClientId(),
      text: createText(history, room, random),
    }
    const outcome = await actor.call('send.thread', message)
    if (outcome.ok) recordAck(history, actor, { ...message, ...outcome.value })
  },

  async sendWithoutReply(actor, history, random) {
    const room = pickRoom(actor, history, random)
    const text = createText(history, room, random)
    actor.client.publish('send', { room, clientId: newClientId(), text })
  },

  async edit(actor, history, random) {
    const message = pickMessage(history, random, actor.userId)
    if (!message) return
    const { room, id, notifyId } = message
    const text = `${createText(history, room, random)}, edited`
    const outcome = await actor.call('msg.edit', { notifyId, text })
    if (outcome.ok) recordChange(history, actor, { kind: 'edit', room, id, text, ...outcome.value })
  },

  async remove(actor, history, random) {
    const message = pickMessage(history, random, actor.userId)
    if (!message) return
    const { room, id, notifyId } = message
    const outcome = await actor.call('msg.delete', { notifyId })
    if (outcome.ok) recordChange(history, actor, { kind: 'delete', room, id, ...outcome.value })
  },

  async react(actor, history, random) {
    const message = pickMessage(history, random)
    if (!message) return
    const { room, id, notifyId } = message
    const reaction = { emoji: random.pick(emoji), on: random.next() < 0.7 }
    const outcome = await actor.call('msg.react', { notifyId, ...reaction })
    if (outcome.ok)
      recordChange(history, actor, { kind: 'react', room, id, ...reaction, ...outcome.value })
  },

  async markRead(actor, history, random) {
    const message = pickMessage(history, random)
    if (!message) return
    const { room, seq } = message
    const { outcome, operation } = await recordOperation(
      history.readOperations,
      { user: actor.userId, room, seq },
      () => actor.call('read.update', { room, seq, unread: random.next() < 0.2 }),
    )
    if (outcome.ok) operation.seq = outcome.value.seq
  },

  async read(actor, history, random) {
    const room = pickRoom(actor, history, random)
    const message = pickMessage(history, random)
    await actor.call('chat.history', { room })
    await actor.call('chat.sync', { room, since: random.next() < 0.5 ? 0 : (message?.seq ?? 0) })
    await actor.call('room.info', { room })
    await actor.call('presence.room', { room })
    if (!message) return
    const { notifyId, id: threadId } = message
    await actor.call('msg.get', { notifyId })
    await actor.call('msg.versions', { notifyId })
    await actor.call('chat.history.thread', { room: message.room, threadId })
  },

  async type(actor, history, random) {
    await actor.call('typing', { room: pickRoom(actor, history, random) })
  },

  async heartbeat({ call, userId }, _history, random) {
    await call('presence.heartbeat', { connId: userId })
    const status = random.pick(['online', 'away', 'busy'] as const)
    if (random.next() < 0.3) await call('presence.update', { status })
    if (random.next() < 0.1) await call('presence.disconnect', { connId: userId })
  },

  create(actor, history, random) {
    return create(actor, history, random, random.pick(['public', 'private', 'private'] as const))
  },

  direct: (actor, history, random) => openDirect(history, actor, random.pick(history.userIds)),

  async join(actor, history, random) {
    const room = pickRoom(actor, history, random)
    const call = () => actor.call('room.join', { room })
    const { ok } = await recordMembership(
      history,
      { user: actor.userId, room, action: 'join' },
      call,
    )
    // This loads the room: before that, events do not update the user's view of the room.
    if (ok) await actor.follow(room).catchUp()
  },

  async leave(actor, history, random) {
    const room = pickRoom(actor, history, random)
    const call = () => actor.call('room.leave', { room })
    await recordMembership(history, { user: actor.userId, room, action: 'leave' }, call)
  },

  async invite(actor, history, random) {
    const [room, userId] = [pickRoom(actor, history, random), random.pick(history.userIds)]
    if (random.next() < 0.5) {
      const call = () => actor.call('room.unban', { room, userId })
      await recordOperation(history.unbanOperations, { user: userId, room }, call)
    }
    await actor.call('room.invite', { room, userId })
  },

  async kick(actor, history, random) {
    const [room, userId] = [pickRoom(actor, history, random), random.pick(history.userIds)]
    const call = () => actor.call('room.kick', { room, userId })
    await recordMembership(history, { user: userId, room, action: 'leave', isKick: true }, call)
  },

  async changeRole(actor, history, random) {
    const [room, userId] = [pickRoom(actor, history, random), random.pick(history.userIds)]
    const role = random.pick(['moderator', 'member', 'owner'] as const)
    await actor.call('room.role', { room, userId, role })
  },

  async rename(actor, history, random) {
    await actor.call('room.rename', {
      room: pickRoom(actor, history, random),
      name: 'Another name',
    })
  },

  archive: (actor, history, random) => setArchived(actor, history, random, true),
  restore: (actor, history, random) => setArchived(actor, history, random, false),
  reconnect: (actor) => actor.reconnect(),
}

async function create(
  actor: SimulatedUser,
  history: OperationHistory,
  random: Random,
  kind: 'public' | 'private',
) {
  const suffix = random
    .between(0, 2 ** 32)
    .toString(36)
    .padStart(8, '0')
  const room = `room-${history.rooms.length}-${suffix}` as RoomId
  const call = () => actor.call('room.create', { room, name: 'A room', kind })
  const { ok } = await recordMembership(history, { user: actor.userId, room, action: 'join' }, call)
  history.rooms.push({ id: room, kind })
  if (ok) await actor.follow(room).catchUp()
}

async function setArchived(
  actor: SimulatedUser,
  history: OperationHistory,
  random: Random,
  archived: boolean,
) {
  const room = pickRoom(actor, history, random)
  const call = () => actor.call('room.archive', { room, archived })
  await recordOperation(
    history.archiveOperations,
    { room, action: archived ? 'archive' : 'restore' },
    call,
  )
}

function recordChange(
  history: OperationHistory,
  { userId }: SimulatedUser,
  change: Omit<AcknowledgedChange, 'user' | 'at'>,
) {
  history.changes.push({ ...change, user: userId, at: Date.now() })
}
