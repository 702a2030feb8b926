export { default } from '../../../functions/room.changed.ts'
