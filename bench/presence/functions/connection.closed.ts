export { default } from '../../../functions/connection.closed.ts'
