import * as v from 'valibot'
import { action, defineApp } from '#app/server'

/**
 * The server's part of an app whose component attacks the page. Its action publishes what the
 * component reports.
 */
export default defineApp({
  id: 'hostile',
  name: 'Hostile',
  version: '1.0.0',
  actions: {
    report: action({ gained: v.optional(v.record(v.string(), v.string()), {}) }, ({ data, tell }) =>
      tell(data.gained),
    ),
  },
})
