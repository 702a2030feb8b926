export { default } from '../../../functions/msg.get.ts'
