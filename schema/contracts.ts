import {
  chatHistory,
  chatMessage,
  deliverNotify,
  msgGet,
  roomNotify,
  send,
} from './messages/chat.ts'
import { roomChanged, roomJoin, roomMembers } from './messages/room.ts'

/** Everything that can be asked, by the name of the function that answers. */
export const contracts = {
  'chat.history': chatHistory,
  'msg.get': msgGet,
  'room.join': roomJoin,
  'room.members': roomMembers,
  send,
} as const

/** Everything that is told. */
export const topics = { chatMessage, deliverNotify, roomChanged, roomNotify } as const
