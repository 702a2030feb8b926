/** The API for the part of an app that runs on the server. Apps import it as `#app/server`. */
export type { Reader } from '../rooms/room-lock.ts'
export type { RoomChange } from './change-room.ts'
export { action, defineApp, query, scheduled } from './define-app.ts'
export { ensure } from './ensure.ts'
export { integer, text } from './fields.ts'
export { inRoom } from './in-room.ts'
export { tally } from './tally.ts'
