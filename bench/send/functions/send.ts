export { default } from '../../../functions/send.ts'
