export { default } from '../../../functions/presence.tell.ts'
