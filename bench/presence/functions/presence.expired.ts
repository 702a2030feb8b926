export { default } from '../../../functions/presence.expired.ts'
