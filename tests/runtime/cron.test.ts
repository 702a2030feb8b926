import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkCron, longestCronGap } from '../../runtime/api/cron.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

let bench: CommandLine
let nc: NatsConnection

beforeAll(async () => {
  bench = await createCommandLine()
  const { host, username, password } = new URL(bench.nats.urlOf('functions'))
  nc = await connect({ servers: host, user: username, pass: password })
  const jsm = await jetstreamManager(nc)
  const subjects = ['schedule.*', 'tick.*']
  await jsm.streams.add({ name: 'CRON', subjects, allow_msg_schedules: true })
})
afterAll(async () => {
  await nc?.close()
  await bench?.[Symbol.asyncDispose]()
})

async function serverAccepts(cron: string): Promise<boolean> {
  const hdrs = headers()
  hdrs.set('Nats-Schedule', cron)
  hdrs.set('Nats-Schedule-Target', 'tick.cron')
  return jetstream(nc)
    .publish('schedule.cron', '', { headers: hdrs })
    .then(
      () => true,
      () => false,
    )
}

describe('a cron expression', () => {
  it.each([
    '* * * * * *',
    '0 */5 8-18 ? jan,Jul Mon-fri',
    '  0 0  0 1 1 *  ',
    '0 0 0 29 2 *',
    '0 0 0 30 feb mon',
    '5/10,7 0 0 * * 6',
    '@hourly',
    '@yearly',
  ])('is accepted by the runtime and by the server: %s', async (cron) => {
    expect(() => checkCron(cron)).not.toThrow()
    expect(await serverAccepts(cron)).toBe(true)
  })

  it.each([
    ['', /six fields/],
    ['every minute', /six fields .* not 2/],
    ['* * * * *', /not 5/],
    ['0 0 0 1 1 * 2027', /not 7/],
    ['60 * * * * *', /the second "60" is not within 0 to 59/],
    ['* * 24 * * *', /the hour "24"/],
    ['* * * 0 * *', /the day of the month "0" is not within 1 to 31/],
    ['* * * * 13 *', /the month "13"/],
    ['* * * * * 7', /the day of the week "7"/],
    ['* * * * may-jan *', /the month "may-jan" begins after its end/],
    ['*/0 * * * * *', /has a step of 0/],
    ['1-2-3 * * * * *', /too many/],
    ['1/2/3 * * * * *', /too many/],
    [', * * * * *', /is empty/],
    ['* * * * * monday', /"monday", which is not a number/],
    ['* * * L * *', /"L"/],
    ['-1 * * * * *', /not a number/],
    ['1.5 * * * * *', /not a number/],
    ['0 0 0 31 2,4,6,9,11 *', /it never fires/],
    ['0 0 0 30 2 */1', /it never fires/],
    ['@never', /six fields/],
  ])('is rejected by the server, and by the runtime with a reason: %s', async (cron, reason) => {
    expect(() => checkCron(cron)).toThrow(reason)
    if (cron !== '') expect(await serverAccepts(cron)).toBe(false)
  })
})

describe('the longest time between two ticks', () => {
  const [minute, hour, day] = [60, 3_600, 86_400]

  it.each([
    ['* * * * * *', 1],
    ['0 */10 * * * *', 10 * minute],
    ['30 0,45 * * * *', 45 * minute],
    ['@hourly', hour],
    ['0 0 8-18 * * *', 14 * hour],
    ['@daily', day],
    ['0 0 3 * * mon-fri', 3 * day],
    ['0 0 9,17 * * mon-fri', 2 * day + 16 * hour],
    ['@weekly', 7 * day],
    ['0 0 0 1 * *', 31 * day],
    ['0 0 0 1,15 * mon', 7 * day],
    ['@yearly', 366 * day],
    ['0 0 0 29 2 *', 4 * 365 * day + day],
  ])('of %s is %d seconds', (cron, seconds) => {
    expect(longestCronGap(cron)).toBe(seconds)
  })
})
