/** `caller` is empty for a job without a calling user. */
export interface Queued {
  readonly caller: string
  readonly until: number
}

/** Limits of one caller. They do not apply to jobs without a caller. */
export interface CallerLimits {
  readonly concurrency: number
  readonly maxQueued: number
}

interface Lane<Job> {
  readonly caller: string
  readonly waiting: Set<Job>
  running: number
}

/**
 * Waiting jobs. `next` takes them from the callers in turn, so that a caller with many jobs does
 * not delay the others.
 */
export class FairQueue<Job extends Queued> {
  readonly #limits: CallerLimits
  readonly #lanes = new Map<string, Lane<Job>>()
  readonly #turns = new Set<Lane<Job>>()
  size = 0

  constructor(limits: CallerLimits) {
    this.#limits = limits
  }

  mayRun(caller: string): boolean {
    return caller === '' || (this.#lanes.get(caller)?.running ?? 0) < this.#limits.concurrency
  }

  add(job: Job): boolean {
    const lane = this.#laneOf(job.caller)
    if (job.caller !== '' && lane.waiting.size >= this.#limits.maxQueued) {
      this.#drop(lane)
      return false
    }
    lane.waiting.add(job)
    this.size++
    this.#takeTurns(lane)
    return true
  }

  next(): Job | undefined {
    for (const lane of this.#turns) {
      const [job] = lane.waiting
      if (!job) break
      this.delete(job)
      // Gives this caller the next turn only after all other callers.
      if (this.#turns.delete(lane)) this.#takeTurns(lane)
      return job
    }
    return undefined
  }

  delete(job: Job): void {
    const lane = this.#lanes.get(job.caller)
    if (!lane?.waiting.delete(job)) return
    this.size--
    if (lane.waiting.size === 0) this.#turns.delete(lane)
    this.#drop(lane)
  }

  find(caller: string, matches: (job: Job) => boolean): Job | undefined {
    for (const job of this.#lanes.get(caller)?.waiting ?? []) if (matches(job)) return job
    return undefined
  }

  started({ caller }: Job): void {
    if (caller === '') return
    const lane = this.#laneOf(caller)
    lane.running++
    if (!this.mayRun(caller)) this.#turns.delete(lane)
  }

  ended({ caller }: Job): void {
    const lane = this.#lanes.get(caller)
    if (!lane || caller === '') return
    lane.running--
    this.#takeTurns(lane)
    this.#drop(lane)
  }

  takeExpired(now: number): Job[] {
    const expired: Job[] = []
    for (const { waiting } of this.#lanes.values())
      for (const job of waiting) {
        if (job.until > now) break
        expired.push(job)
      }
    for (const job of expired) this.delete(job)
    return expired
  }

  takeAll(): Job[] {
    return this.takeExpired(Number.POSITIVE_INFINITY)
  }

  #laneOf(caller: string): Lane<Job> {
    const existing = this.#lanes.get(caller)
    if (existing) return existing
    const lane: Lane<Job> = { caller, waiting: new Set(), running: 0 }
    this.#lanes.set(caller, lane)
    return lane
  }

  #takeTurns(lane: Lane<Job>) {
    if (lane.waiting.size > 0 && this.mayRun(lane.caller)) this.#turns.add(lane)
  }

  #drop(lane: Lane<Job>) {
    if (lane.waiting.size === 0 && lane.running === 0) this.#lanes.delete(lane.caller)
  }
}
