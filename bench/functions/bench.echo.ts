import { defineFunction } from '../../runtime/index.ts'
import { benchEcho } from './_contracts.ts'

/** What an endpoint costs that does nothing. */
export default defineFunction(benchEcho, async (note) => note)
