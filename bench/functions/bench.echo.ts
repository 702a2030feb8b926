import { defineFunction } from '../../runtime/index.ts'
import { benchEcho } from './_contracts.ts'

export default defineFunction(benchEcho, async (payload) => payload)
