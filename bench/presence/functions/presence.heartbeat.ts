export { default } from '../../../functions/presence.heartbeat.ts'
