import { type Goal, p99Margin } from '../measure.ts'

export interface Row {
  /** Key of the row's value in the figures of a server. */
  key: string
  title: string
  unit: string
  goal?: Goal
  /**
   * The values of all servers are divided by the value of this server; by default, the baseline.
   * With `none`, the values are not divided, and the goal is in the row's unit.
   */
  against?: string | 'none'
}

const more = (must: number, aim: number): Goal => ({ must, aim, better: 'more' })
const less = (must: number, aim?: number): Goal => ({ must, aim, better: 'less' })

export const rows: Row[] = [
  { key: 'rate', title: '64 in flight, 10 listeners', unit: 'msg/s', goal: more(0.3, 0.45) },
  { key: 'cpu', title: 'server CPU per message', unit: 'µs', goal: less(3.8, 2.5) },
  { key: 'driver', title: "the driver's share of the CPU", unit: '%' },
  { key: 'p50', title: '50/s, last of 10 members, p50', unit: 'ms', goal: less(2, 1.3) },
  {
    key: 'p99',
    title: '10/s, last of 10 members, p99',
    unit: 'ms',
    goal: { ...less(2.8, 1.5), margin: p99Margin },
  },
  { key: 'ack thousand', title: 'ack, room of 1,000', unit: 'ms', goal: less(0.4, 0.25) },
  { key: 'ack thousands', title: 'ack, room of 5,000', unit: 'ms', goal: less(0.1, 0.05) },
  { key: 'last thousand', title: 'last of 1,000 members', unit: 'ms', goal: less(1.2, 1) },
  { key: 'last thousands', title: 'last of 5,000 members', unit: 'ms', goal: less(1.2, 1) },
  { key: 'joins', title: 'joins', unit: '/s', goal: more(40, 80), against: 'Synapse' },
  { key: 'reconnect', title: '500 reconnect, 20 missed: time', unit: 'ms', goal: less(2.8, 1.5) },
  { key: 'reconnect cpu', title: '500 reconnect, 20 missed: CPU', unit: 's', goal: less(7.5, 4) },
  { key: 'memory', title: 'memory per client', unit: 'kB', goal: less(1.3, 1) },
  { key: 'history', title: 'history page of 50, p50', unit: 'ms', goal: less(4, 2.5) },
  { key: 'idle', title: 'idle memory', unit: 'MB', goal: less(600, 450), against: 'none' },
  { key: 'runtime', title: 'idle memory, runtime 1', unit: 'MB', goal: less(130), against: 'none' },
  {
    key: 'runtime-2',
    title: 'idle memory, runtime 2',
    unit: 'MB',
    goal: less(90),
    against: 'none',
  },
  {
    key: 'nats-server',
    title: 'idle memory, nats-server',
    unit: 'MB',
    goal: less(40),
    against: 'none',
  },
  { key: 'repeats', title: 'repeated logins and calls', unit: 'times', against: 'none' },
  { key: 'database', title: 'idle memory, database', unit: 'MB' },
]
