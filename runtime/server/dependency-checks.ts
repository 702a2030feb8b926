import { relative } from 'node:path'
import type { Logger } from 'pino'
import type { RunningSetup } from './load.ts'

type Check = () => Promise<unknown>

/**
 * The checks that the `_setup.ts` files return. Each check fails if its dependency is unavailable.
 */
export class DependencyChecks {
  readonly #log: Logger
  readonly #checks = new Map<string, Check>()
  readonly #running = new Map<string, Promise<boolean>>()
  readonly #failed = new Set<string>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Throws an Error if another `_setup.ts` has a check of the same name. */
  add(file: string, checks: RunningSetup['dependencies'] = {}): void {
    for (const [dependency, check] of Object.entries(checks)) {
      if (this.#checks.has(dependency))
        throw new Error(
          `${relative('', file)} returns a check of "${dependency}", but another _setup.ts does too: use another name`,
        )
      this.#checks.set(dependency, check)
    }
  }

  /**
   * Starts each check that is not already running. `isAvailable` resolves to whether the dependency
   * passed its check.
   */
  run(): { dependency: string; isAvailable: Promise<boolean> }[] {
    return [...this.#checks].map(([dependency, check]) => {
      const isAvailable = this.#running.get(dependency) ?? this.#start(dependency, check)
      return { dependency, isAvailable }
    })
  }

  #start(dependency: string, check: Check): Promise<boolean> {
    const running = Promise.try(check)
      .then(
        () => this.#failed.delete(dependency),
        (err) => {
          if (!this.#failed.has(dependency))
            this.#log.warn({ err, dependency }, 'dependency unavailable')
          this.#failed.add(dependency)
        },
      )
      .then(() => !this.#failed.has(dependency))
      .finally(() => this.#running.delete(dependency))
    this.#running.set(dependency, running)
    return running
  }
}
