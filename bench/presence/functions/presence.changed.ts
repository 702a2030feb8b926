export { default } from '../../../functions/presence.changed.ts'
