import { type ChildProcess, fork } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { readHealthAddress, readWebhookAddress } from '../server/config.ts'
import { type Metric, readyMetric } from '../server/metrics.ts'
import { maxWebhookMs, type WebhookAnswer, type WebhookCall } from '../server/webhooks.ts'
import { serveHealth } from './health.ts'
import { healthOf } from './instance-health.ts'
import { queryInstance } from './instance-query.ts'
import { createLog } from './log.ts'
import { notifyReady } from './ready.ts'
import { answerPings, untilHung } from './sign-of-life.ts'
import { onStop } from './stop-signals.ts'
import { reject, serveWebhooks } from './webhooks.ts'

export interface InstancesOptions {
  folders: readonly string[]
  count: number
  env: NodeJS.ProcessEnv
  name?: string | undefined
  args?: readonly string[]
}

interface Instance {
  child: ChildProcess
  startedAt: number
  isReady: boolean
  /** Resolves to true when the process serves all functions, or to false if it exits earlier. */
  ready: Promise<boolean>
  exited: Promise<number>
}

interface Slot {
  number: number
  instance: Instance
  /**
   * Set during a rolling restart. Resolves to true if a new instance has replaced the current one,
   * to false if the new instance did not start.
   */
  replacing: Promise<boolean> | undefined
}

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const minBackoffMs = 100
const maxBackoffMs = 30_000
const healthyAfterMs = 30_000

/**
 * Serves folders in one or more processes. Restarts, with back-off, a process that dies or gives no
 * sign of life. Restarts all processes one by one on SIGHUP, and stops them on SIGTERM. Resolves to
 * the exit code.
 */
export function superviseInstances(options: InstancesOptions): Promise<number> {
  return new Supervisor(options).run()
}

class Supervisor {
  readonly #options: InstancesOptions
  readonly #log: Logger
  readonly #stopping = new AbortController()
  readonly #alive = new Set<Instance>()
  #slots: Slot[] = []
  #rolling = Promise.resolve()
  #announced = false
  #worstCode = 0

  constructor(options: InstancesOptions) {
    this.#options = options
    this.#log = createLog(options.env)
  }

  async run(): Promise<number> {
    onStop(
      (reason) => this.#stop(reason),
      () => this.#signalAll('SIGKILL'),
    )
    process.on('SIGHUP', () => this.#hangUp())
    answerPings()
    const healthAddress = readHealthAddress(this.#options.env)
    if (healthAddress)
      await serveHealth(healthAddress, {
        notReady: () => this.#notReady(),
        metrics: () => this.#metrics(),
      })
    const webhookAddress = readWebhookAddress(this.#options.env)
    if (webhookAddress) await serveWebhooks(webhookAddress, (call) => this.#callWebhook(call))

    // Starts the first instance alone, so that an error that all instances have is reported only once.
    const first = this.#launch(1)
    if (!(await first.ready)) {
      const code = await first.exited
      return this.#stopping.signal.aborted ? code : code || 1
    }
    this.#slots = Array.from({ length: this.#options.count }, (_, index) => ({
      number: index + 1,
      instance: index === 0 ? first : this.#launch(index + 1),
      replacing: undefined,
    }))
    this.#announce()
    await Promise.all(this.#slots.map((slot) => this.#keep(slot)))
    this.#log.info('stopped')
    return this.#worstCode
  }

  #launch(number: number): Instance {
    const { folders, env, name, args = [] } = this.#options
    const child = fork(
      main,
      [
        'start',
        ...folders,
        '--no-supervisor',
        ...(name === undefined ? [] : ['--name', name]),
        ...args,
      ],
      {
        env: { ...env, NATTER_INSTANCE: String(number) },
        // The child does not inherit this process's Node flags. They may preload a module that
        // exits when stdin ends. The child's stdin is empty, so with such a module the child would
        // exit at once.
        execArgv: [],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    const exited = new Promise<number>((resolve) => {
      child.once('exit', (code, signal) =>
        resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']),
      )
      child.once('error', () => resolve(1))
    })
    const ready = new Promise<boolean>((resolve) => {
      child.once('message', () => resolve(true))
      exited.then(() => resolve(false))
    })
    const instance: Instance = {
      child,
      startedAt: performance.now(),
      isReady: false,
      ready,
      exited,
    }
    this.#alive.add(instance)
    exited.then((code) => {
      this.#alive.delete(instance)
      if (this.#stopping.signal.aborted) this.#worstCode = Math.max(this.#worstCode, code)
    })
    ready.then((isReady) => {
      instance.isReady = isReady
      this.#announce()
      if (isReady) return this.#killIfHung(number, instance)
    })
    return instance
  }

  async #killIfHung(number: number, { child, exited }: Instance) {
    const watching = new AbortController()
    exited.then(() => watching.abort())
    if (!(await untilHung(child, watching.signal))) return
    this.#log.error(
      { instance: number, pid: child.pid },
      'instance gave no sign of life, killing it',
    )
    child.kill('SIGKILL')
  }

  #announce() {
    if (this.#announced || this.#slots.length === 0) return
    if (!this.#slots.every(({ instance }) => instance.isReady)) return
    this.#announced = true
    this.#log.info({ instances: this.#slots.length }, 'ready')
    notifyReady()
  }

  async #notReady(): Promise<string | undefined> {
    if (this.#stopping.signal.aborted) return 'draining'
    if (!this.#announced) return 'starting'
    const reasons = this.#slots.map(async ({ number, instance }) => {
      const reason = instance.isReady
        ? await healthOf(instance.child)
            .notReady()
            .catch(() => 'no answer')
        : 'starting'
      return reason && `instance ${number}: ${reason}`
    })
    return (await Promise.all(reasons)).find((reason) => reason)
  }

  /**
   * Returns the metrics of all instances, with the number of the instance as the label `process`.
   * If an instance does not answer, its only metric says that it is not ready.
   */
  async #metrics(): Promise<Metric[]> {
    const notReady = [readyMetric(false)]
    if (this.#slots.length === 0) return notReady.map((metric) => addLabel(metric, 'process', '1'))
    const answers = this.#slots.map(async ({ number, instance }) => {
      const metrics = instance.isReady
        ? await healthOf(instance.child)
            .metrics()
            .catch(() => notReady)
        : notReady
      return metrics.map((metric) => addLabel(metric, 'process', String(number)))
    })
    return (await Promise.all(answers)).flat()
  }

  async #callWebhook(call: WebhookCall): Promise<WebhookAnswer> {
    for (const { instance } of this.#slots.filter(({ instance }) => instance.isReady))
      try {
        const answer = await queryInstance(instance.child, 'webhook', call, maxWebhookMs)
        return answer as WebhookAnswer
      } catch {
        // Tries the next instance.
      }
    return reject('unavailable', 'No instance is ready')
  }

  async #keep(slot: Slot) {
    let deaths = 0
    while (!this.#stopping.signal.aborted) {
      const { instance } = slot
      const code = await instance.exited
      if (this.#stopping.signal.aborted || (await this.#isReplaced(slot, instance))) continue

      deaths = performance.now() - instance.startedAt >= healthyAfterMs ? 0 : deaths + 1
      const inMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** deaths)
      this.#log.error({ instance: slot.number, code, inMs }, 'instance died, restarting')
      await this.#pause(inMs)
      if (this.#stopping.signal.aborted || (await this.#isReplaced(slot, instance))) continue
      slot.instance = this.#launch(slot.number)
    }
  }

  async #isReplaced(slot: Slot, instance: Instance) {
    await slot.replacing
    return slot.instance !== instance
  }

  async #pause(ms: number) {
    const { signal } = this.#stopping
    await delay(ms, undefined, { signal }).catch((error) => {
      if (!signal.aborted) throw error
    })
  }

  #hangUp() {
    // In a terminal, SIGHUP means that the terminal was closed; otherwise it requests a rolling restart.
    if (process.stdout.isTTY) return this.#stop('SIGHUP')
    this.#rolling = this.#rolling.then(() => this.#roll())
  }

  async #roll() {
    this.#log.info('rolling restart')
    for (const slot of this.#slots) {
      slot.replacing = this.#replace(slot)
      const isReplaced = await slot.replacing
      if (this.#stopping.signal.aborted) return
      if (!isReplaced) {
        this.#log.error(
          { instance: slot.number },
          'rolling restart abandoned: the new version did not start',
        )
        return
      }
    }
    this.#log.info('rolling restart done')
  }

  async #replace(slot: Slot): Promise<boolean> {
    const next = this.#launch(slot.number)
    if (!(await next.ready) || this.#stopping.signal.aborted) return false
    const { instance } = slot
    slot.instance = next
    instance.child.kill('SIGTERM')
    await instance.exited
    return true
  }

  #stop(reason: string) {
    this.#log.info({ reason }, 'stopping')
    this.#stopping.abort()
    this.#signalAll('SIGTERM')
  }

  #signalAll(signal: NodeJS.Signals) {
    for (const { child } of this.#alive) child.kill(signal)
  }
}

function addLabel(metric: Metric, label: string, value: string): Metric {
  const samples = metric.samples.map((sample) => ({
    ...sample,
    labels: { ...sample.labels, [label]: value },
  }))
  return { ...metric, samples }
}
