import { createContext, createSignal, useContext } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { ActionsOf, AppDefinition } from '#domain/apps/define-app'
import type { AppBridge, AppError } from '#schema/app-bridge'
import { hasRight, type Right } from '#schema/roles'
import { createNames } from './names.ts'
import { createRefresh } from './refresh.ts'
import { createTexts, type Languages, type Words } from './texts.ts'
import { common } from './words/index.ts'

/**
 * The type of an app whose actions and texts are not known. The components in apps/_kit use it,
 * because they work in every app.
 */
export type AnyApp = App<AppDefinition, Words>

/** The typed API of a component: the actions of `Definition`, and the texts. */
export interface App<Definition extends AppDefinition, Texts extends Words>
  extends ReturnType<typeof createApp<Definition, Texts>> {}

/** The answer of an action. */
export type AnswerOf<
  Definition extends AppDefinition,
  Name extends keyof ActionsOf<Definition>,
> = ActionsOf<Definition>[Name]['answer']

export const AppContext = createContext<AnyApp>()

/** Returns the app in whose element the calling component is rendered. */
export function useApp<Type extends AnyApp>(): Type {
  return useContext(AppContext) as Type
}

export function createApp<Definition extends AppDefinition, Texts extends Words>(
  bridge: AppBridge,
  words: Languages<Texts>,
) {
  type Actions = ActionsOf<Definition>
  const texts = createTexts(bridge, words)
  const { t: kitText } = createTexts(bridge, common)
  const [problem, setProblem] = createSignal<string>()
  const refreshes: (() => Promise<void>)[] = []
  const refreshAll = () => Promise.all(refreshes.map((refresh) => refresh()))
  bridge.onUpdated(() => void refreshAll())

  /**
   * Loads the answer of a query, and returns a function that reads the answer. This function returns
   * undefined until the first answer has arrived. The answer is loaded again after each published
   * change of the app's data, and after each call of `act`.
   */
  function load<Name extends keyof Actions & string>(name: Name) {
    const [state, setState] = createStore<{ answer?: Actions[Name]['answer'] }>({})
    const refresh = createRefresh(async () => {
      setState('answer', reconcile((await bridge.request(name)) as never))
    })
    refreshes.push(refresh)
    void refresh()
    return () => state.answer
  }

  /**
   * Calls an action, and then loads the queries again. If the call fails, sets `problem` to the reason. Returns
   * whether the call succeeded.
   */
  async function act<Name extends keyof Actions & string>(
    name: Name,
    data: Actions[Name]['input'],
  ): Promise<boolean> {
    setProblem()
    try {
      await bridge.request(name, data)
      return true
    } catch (error) {
      const { code, text } = error as AppError
      setProblem(code in words.en ? texts.t(code) : text)
      return false
    } finally {
      await refreshAll()
    }
  }

  return {
    /** The connection to the page, for requests that the other properties do not cover. */
    bridge,
    user: bridge.user,
    /** Returns whether the user's role in the room has a right. */
    may: (right: Right) => hasRight(bridge.user, right),
    /** The name of a user, or their id until the name is loaded. */
    nameOf: createNames(bridge),
    ...texts,
    /** Used only for its type: from it, `defineElement` knows which texts an app must define. */
    words: words.en,
    /** Returns one of the texts `common` of apps/_kit/words, which are the same in all apps. */
    kitText,
    /**
     * Returns the function `t` for another group of texts, for example for `results` of
     * apps/_kit/words.
     */
    textsOf: <Part extends Words>(part: Languages<Part>) => createTexts(bridge, part).t,
    problem,
    load,
    act,
  }
}
