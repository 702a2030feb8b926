export { default } from '../../../functions/room.members.ts'
