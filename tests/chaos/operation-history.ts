import { directRoomOf } from '#domain/rooms/direct-room'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { type NotifyId, toNotifyId } from '#schema/ids'
import type { RoomKind } from '#schema/messages/room'
import type {
  AcknowledgedChange,
  AcknowledgedMessage,
  ArchiveOperation,
  MembershipOperation,
  ReadOperation,
  TimedOperation,
  UnbanOperation,
} from './evidence.ts'
import { createMarkedText } from './frame-recorder.ts'
import type { Random } from './random.ts'
import {
  type CallOutcome,
  type FunctionName,
  isIndeterminate,
  type SimulatedUser,
} from './simulated-user.ts'

export interface OperationHistory {
  userIds: readonly UserId[]
  rooms: { id: RoomId; kind: RoomKind }[]
  /** A key `{room}.{user}` for each membership according to the acknowledged operations. */
  presumedMembers: Set<string>
  sentMessages: SentMessage[]
  acks: AcknowledgedMessage[]
  changes: AcknowledgedChange[]
  membershipOperations: MembershipOperation[]
  unbanOperations: UnbanOperation[]
  archiveOperations: ArchiveOperation[]
  readOperations: ReadOperation[]
  textCount: number
}

interface SentMessage {
  room: RoomId
  id: MessageId
  seq: number
  notifyId: NotifyId
  sender: UserId
}

/** A call without an answer may still take effect within this time. */
const lateEffectMs = 20_000

export function createOperationHistory(userIds: readonly UserId[]): OperationHistory {
  const lists = { rooms: [], sentMessages: [], acks: [], changes: [] }
  const operations = {
    membershipOperations: [],
    unbanOperations: [],
    archiveOperations: [],
    readOperations: [],
  }
  return { userIds, ...lists, ...operations, presumedMembers: new Set(), textCount: 0 }
}

/**
 * Adds the call to `list` with the time span in which it can take effect, unless it is rejected.
 */
export async function recordOperation<O extends TimedOperation, N extends FunctionName>(
  list: O[],
  fields: Omit<O, keyof TimedOperation>,
  call: () => Promise<CallOutcome<N>>,
): Promise<{ outcome: CallOutcome<N>; operation: O }> {
  const entry = {
    ...fields,
    start: Date.now(),
    end: Number.POSITIVE_INFINITY,
    isAcknowledged: false,
  } as O
  // The entry is added before the call, because the call may take effect before its answer arrives.
  list.push(entry)
  const outcome = await call()
  if (outcome.ok) Object.assign(entry, { end: Date.now(), isAcknowledged: true })
  else if (isIndeterminate(outcome.code)) entry.end = Date.now() + lateEffectMs
  else list.splice(list.lastIndexOf(entry), 1)
  return { outcome, operation: entry }
}

export async function recordMembership<N extends FunctionName>(
  history: OperationHistory,
  fields: Omit<MembershipOperation, keyof TimedOperation>,
  call: () => Promise<CallOutcome<N>>,
): Promise<CallOutcome<N>> {
  const { outcome } = await recordOperation(history.membershipOperations, fields, call)
  if (!outcome.ok) return outcome
  const key = `${fields.room}.${fields.user}`
  if (fields.action === 'join') history.presumedMembers.add(key)
  else history.presumedMembers.delete(key)
  return outcome
}

export async function openDirect(
  history: OperationHistory,
  { userId, call }: SimulatedUser,
  other: UserId,
) {
  const room = directRoomOf(userId, other)
  const outcome = call('room.direct', { with: other })
  const pair = [...new Set([userId, other])]
  await Promise.all(
    pair.map((user) => recordMembership(history, { user, room, action: 'join' }, () => outcome)),
  )
  if ((await outcome).ok && !history.rooms.some(({ id }) => id === room))
    history.rooms.push({ id: room, kind: 'direct' })
}

export function recordAck(
  history: OperationHistory,
  { userId }: SimulatedUser,
  ack: { room: RoomId; clientId: string; text: string; id: MessageId; seq: number },
) {
  const { room, id, seq, text } = ack
  const notifyId = toNotifyId({ id, seq })
  history.acks.push({ user: userId, room, id, seq, text, clientId: ack.clientId as ClientId })
  if (history.sentMessages.findLast((message) => message.id === id)) return
  history.sentMessages.push({ room, id, seq, sender: userId, notifyId })
}

/**
 * Returns a random room. In 85 % of the calls, picks one of the rooms of which the user is
 * presumably a member, if there are any.
 */
export function pickRoom(
  { userId }: SimulatedUser,
  { rooms, presumedMembers }: OperationHistory,
  random: Random,
): RoomId {
  const memberRooms = rooms.filter(({ id }) => presumedMembers.has(`${id}.${userId}`))
  return random.pick(memberRooms.length > 0 && random.next() < 0.85 ? memberRooms : rooms).id
}

export function pickMessage(
  { sentMessages }: OperationHistory,
  random: Random,
  sentBy?: UserId,
): SentMessage | undefined {
  const recent = sentMessages
    .slice(-200)
    .filter(({ sender }) => sentBy === undefined || sender === sentBy)
  return recent.length === 0 ? undefined : random.pick(recent)
}

/** Returns a new text. Some texts contain a mention, and some are too long for a notice. */
export function createText(history: OperationHistory, room: RoomId, random: Random): string {
  const mention = random.next() < 0.2 ? ` @${random.pick(history.userIds)}` : ''
  const rest = random.next() < 0.05 ? ' and so on'.repeat(150) : ''
  return createMarkedText(++history.textCount, room, mention + rest)
}
