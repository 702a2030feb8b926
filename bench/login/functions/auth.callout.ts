/** The project's own, alone: it needs no database. */
export { default } from '../../../functions/auth.callout.ts'
