export { default } from '../../../functions/presence.sweep.ts'
