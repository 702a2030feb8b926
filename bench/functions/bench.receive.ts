import { defineFunction, event } from '../../runtime/index.ts'
import { benchEvent, benchReceived, eventWindow } from './_contracts.ts'

let received = 0

export default defineFunction(event(benchEvent), (_payload, { publish }) => {
  if (++received % eventWindow === 0) publish(benchReceived, {})
})
