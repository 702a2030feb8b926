import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'

/** Keeps the context of a trace active in all asynchronous work that begins within `with`. */
export class ActiveContext implements ContextManager {
  readonly #store = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#store.getStore() ?? ROOT_CONTEXT
  }

  with<Args extends unknown[], Run extends (...args: Args) => ReturnType<Run>>(
    active: Context,
    run: Run,
    thisArg?: ThisParameterType<Run>,
    ...args: Args
  ): ReturnType<Run> {
    return this.#store.run(active, () => run.apply(thisArg, args))
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== 'function') return target
    const store = this.#store
    return function (this: unknown, ...args: unknown[]) {
      return store.run(active, () => target.apply(this, args))
    } as T
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#store.disable()
    return this
  }
}
