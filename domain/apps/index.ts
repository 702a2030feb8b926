/** The API with which the server's part of an app is written: `#app/server`. */
export type { Reader } from '../rooms/room-lock.ts'
export type { RoomChange } from './change-room.ts'
export { action, defineApp, query, scheduled } from './define-app.ts'
export { ensure } from './ensure.ts'
export { integer, text } from './fields.ts'
export { inRoom } from './in-room.ts'
export { tally } from './tally.ts'
