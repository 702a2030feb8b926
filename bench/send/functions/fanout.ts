export { default } from '../../../functions/fanout.ts'
