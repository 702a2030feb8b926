import * as v from 'valibot'
import { action, defineApp } from '#domain/apps/define-app'

/** The server's part of an app whose component attacks the page. It publishes what the component reports. */
export default defineApp({
  id: 'hostile',
  name: 'Hostile',
  version: '1.0.0',
  actions: {
    report: action(
      { input: v.record(v.string(), v.string()), output: v.object({}) },
      ({ data, tell }) => {
        tell(data)
        return {}
      },
    ),
  },
})
