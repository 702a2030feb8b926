import { setTimeout as sleep } from 'node:timers/promises'
import { type NatsConnection, nuid } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import { gather } from '../nats/gather.ts'
import { moveConnection, pauseDeliveries } from '../nats/move.ts'
import type { Backbone } from './backbone.ts'
import type { Served } from './endpoint.ts'

const statesSubject = 'runtime.moving'
/**
 * Every server of the cluster answers a request on this subject with statistics of the requesting
 * account, which include the number of its connections.
 */
const countSubject = '$SYS.REQ.ACCOUNT.PING.STATZ'
const countQuery = JSON.stringify({ include_unused: true })
const [minPauseMs, maxPauseMs] = [5_000, 15_000]
/**
 * Pause before the next attempt, if the server of a connection is in lame duck mode. The pause is
 * short, because such a server closes the connection some seconds later.
 */
const [minLeaveMs, maxLeaveMs] = [100, 1_000]
/**
 * Pause before the next attempt, if connections did not move because calls in flight did not end in
 * time.
 */
const longPauseMs = 60_000
const maxIdleMs = 5_000
const idlePollMs = 5

interface ServerReply {
  server: { name: string }
  data: { account_statz?: { acc: string; conns: number }[] }
}

interface ProcessState {
  id: string
  functions: string[]
  move: 'asking' | 'moving' | 'none'
}

interface Move {
  nc: NatsConnection
  account: string | undefined
  from: string
  server: string
}

interface SpreadOptions {
  backbone: Backbone
  served: readonly Served[]
  log: Logger
}

/**
 * Keeps the connections of all processes evenly spread over the servers of a cluster. A connection
 * moves when another server has at least two connections fewer, or when its own server is in lame
 * duck mode. Before the move, the process leaves its queue groups and finishes its calls. Other
 * processes serve new calls meanwhile. Only one process moves its connections at a time.
 */
export class ConnectionSpread implements AsyncDisposable {
  readonly #options: SpreadOptions
  readonly #stopping = new AbortController()
  readonly #state: ProcessState
  /**
   * Maps the address of a server to its name. Contains only servers to which this process has been
   * connected.
   */
  readonly #names = new Map<string, string>()
  /** The connections whose server is in lame duck mode. */
  readonly #leaving = new Set<NatsConnection>()
  readonly #ended: Promise<void>
  #pause = new AbortController()

  constructor(options: SpreadOptions) {
    this.#options = options
    const { nc, functions, connectionState } = options.backbone
    this.#state = { id: nuid.next(), functions: functions.map(({ name }) => name), move: 'none' }
    nc.subscribe(statesSubject, {
      callback: (error, message) => {
        if (!error) message.respond(JSON.stringify(this.#state))
      },
    })
    for (const each of connectionState.connections) void this.#watch(each)
    this.#ended = this.#repeat()
  }

  /** Starts no new move, and resolves when a move that is under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  async #watch(nc: NatsConnection) {
    for await (const { type } of nc.status()) {
      if (type === 'reconnect') this.#leaving.delete(nc)
      if (type !== 'ldm') continue
      this.#leaving.add(nc)
      this.#pause.abort()
    }
  }

  async #repeat() {
    for (let wasBusy = false; !this.#stopping.signal.aborted; ) {
      await this.#wait(wasBusy)
      wasBusy = false
      if (!this.#mayMove()) continue
      try {
        wasBusy = !(await this.#spread())
      } catch (err) {
        this.#options.log.warn({ err }, 'connections not spread over the servers, trying again')
      }
    }
  }

  async #wait(wasBusy: boolean) {
    const isLeaving = this.#leaving.size > 0
    const [minMs, maxMs] = isLeaving ? [minLeaveMs, maxLeaveMs] : [minPauseMs, maxPauseMs]
    const pauseMs = wasBusy && !isLeaving ? longPauseMs : minMs + Math.random() * (maxMs - minMs)
    this.#pause = new AbortController()
    const signal = AbortSignal.any([this.#stopping.signal, this.#pause.signal])
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {})
  }

  #mayMove(): boolean {
    const { nc, connectionState } = this.#options.backbone
    const isClustered = nc.info?.cluster !== undefined
    return isClustered && connectionState.isConnected && !this.#stopping.signal.aborted
  }

  /**
   * Moves the connections for which `#findMove` finds a better server, if other processes serve the
   * functions meanwhile. Returns false if no connection moved because calls in flight did not end
   * in time.
   */
  async #spread(): Promise<boolean> {
    const { connections } = this.#options.backbone.connectionState
    const found = await Promise.all(connections.map((nc) => this.#findMove(nc)))
    const moves = found.filter((move) => move !== undefined)
    if (moves.length === 0) return true
    this.#state.move = 'asking'
    try {
      if (!(await this.#othersServe())) return true
      this.#state.move = 'moving'
      return await this.#move(moves)
    } finally {
      this.#state.move = 'none'
    }
  }

  async #findMove(nc: NatsConnection): Promise<Move | undefined> {
    const address = nc.getServer()
    const from = nc.info?.server_name
    if (from === undefined) return undefined
    this.#names.set(address, from)
    if (this.#leaving.has(nc)) return { nc, account: undefined, from, server: anotherServer(nc) }
    const counts = new Map<string, number>()
    let account: string | undefined
    for (const reply of await gather(nc, countSubject, countQuery)) {
      const { server, data } = reply.json<ServerReply>()
      const [found] = data.account_statz ?? []
      account ??= found?.acc
      counts.set(server.name, found?.conns ?? 0)
    }
    const own = counts.get(from) ?? 0
    const all = [...counts.values()]
    if (own - Math.min(...all) < 2) return undefined
    const mean = all.reduce((sum, count) => sum + count, 0) / all.length
    // Each connection of the server moves with the same probability. It is chosen so that the
    // expected number of connections that stay equals the mean of all servers.
    if (Math.random() >= (own - mean) / own) return undefined
    const server = this.#chooseServer(nc, address, counts)
    return server === undefined ? undefined : { nc, account, from, server }
  }

  /**
   * Returns the server with the fewest connections, if it has at least two fewer than the current server.
   */
  #chooseServer(nc: NatsConnection, address: string, counts: ReadonlyMap<string, number>) {
    const own = this.#count(address, counts)
    const [best] = nc
      .getServers()
      .map(({ listen }) => ({ listen, count: this.#count(listen, counts), order: Math.random() }))
      .filter(({ count }) => own - count >= 2)
      .sort((a, b) => a.count - b.count || a.order - b.order)
    return best?.listen
  }

  /**
   * Returns the number of connections of the server at an address. If this process does not know
   * that server's name, but the cluster has a running server whose address it does not know,
   * returns 0: the two may be the same, a new server without connections. Returns Infinity if the
   * server at the address does not run.
   */
  #count(address: string, counts: ReadonlyMap<string, number>): number {
    const known = new Set(this.#names.values())
    const isUnknownRunning = [...counts.keys()].some((name) => !known.has(name))
    const name = this.#names.get(address)
    if (name === undefined && isUnknownRunning) return 0
    return counts.get(name ?? '') ?? Number.POSITIVE_INFINITY
  }

  /**
   * Returns true if other processes serve all functions of this process, and none of them moves its
   * connections. Each process sets its state before it asks the others. So two processes that ask
   * at the same time see each other, and only the one with the lower id moves its connections.
   */
  async #othersServe(): Promise<boolean> {
    const replies = await gather(this.#options.backbone.nc, statesSubject, '')
    const { id, functions } = this.#state
    const others = replies.map((reply) => reply.json<ProcessState>()).filter((it) => it.id !== id)
    if (
      others.some(({ move, id: other }) => move === 'moving' || (move === 'asking' && other < id))
    )
      return false
    const served = new Set(others.flatMap(({ functions }) => functions))
    return functions.every((name) => served.has(name))
  }

  async #move(moves: readonly Move[]): Promise<boolean> {
    const { backbone, log } = this.#options
    const { connections } = backbone.connectionState
    const resume = connections.map(pauseDeliveries)
    try {
      await this.#flush()
      if (!(await this.#idle())) return false
      await Promise.all(moves.map(({ nc, server }) => moveConnection(nc, server)))
      for (const { nc, account, from } of moves) {
        const to = nc.info?.server_name
        if (to !== from) log.info({ account, from, to }, 'connection moved to another server')
      }
      return true
    } finally {
      for (const deliver of resume) deliver()
    }
  }

  /**
   * Waits until no call is in flight, for at most `maxIdleMs`. Returns false if calls are still in
   * flight after this time, or if `#mayMove` has become false.
   */
  async #idle(): Promise<boolean> {
    const { backbone, served } = this.#options
    const isIdle = () => backbone.requester.isIdle && served.every((func) => func.isIdle())
    for (const until = performance.now() + maxIdleMs; performance.now() < until; ) {
      if (!this.#mayMove()) return false
      if (isIdle()) {
        await this.#flush()
        if (isIdle() && this.#mayMove()) return true
      }
      await sleep(idlePollMs)
    }
    return false
  }

  #flush() {
    const { connections } = this.#options.backbone.connectionState
    return Promise.all(connections.map((nc) => nc.flush()))
  }
}

function anotherServer(nc: NatsConnection): string {
  const current = nc.getServer()
  const others = nc.getServers().flatMap(({ listen }) => (listen === current ? [] : [listen]))
  return others[Math.floor(Math.random() * others.length)] ?? current
}
