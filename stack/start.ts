/** `npm start`: runs the whole system on this machine, with the page as built for production. */
import { runStack } from './run-stack.ts'

await runStack()
