import { createSignal, For, Index, Show } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import { render } from 'solid-js/web'
import type { AppBridge, AppElement } from '#schema/app-bridge'
import css from './component.css?inline'
import { useWords } from './words/use-words.ts'

interface Option {
  text: string
  votes?: number
  voters?: string[]
}

interface Poll {
  id: string
  question: string
  multiple: boolean
  anonymous: boolean
  hidden: boolean
  createdBy: string
  closedAt?: string
  count: number
  options: Option[]
  mine: number[]
}

/** Calls an action, shows its failure, and returns whether it succeeded. */
type Act = (action: string, data: object) => Promise<boolean>

class PollElement extends HTMLElement implements AppElement {
  setBridge(bridge: AppBridge) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    document.adoptedStyleSheets.push(sheet)
    render(() => <Polls bridge={bridge} />, this)
  }
}
customElements.define('room-app-poll', PollElement)

function Polls(props: { bridge: AppBridge }) {
  const { w } = useWords(props.bridge)
  const [state, setState] = createStore({
    polls: [] as Poll[],
    names: {} as Record<string, string>,
  })
  const [isLoaded, setLoaded] = createSignal(false)
  const [isCreating, setCreating] = createSignal(false)
  const [problem, setProblem] = createSignal<string>()
  const refresh = createRefresh(async () => {
    const { polls } = (await props.bridge.request('list')) as { polls: Poll[] }
    setState('polls', reconcile(polls))
    setLoaded(true)
    const people = polls.flatMap(({ createdBy, options }) => [
      createdBy,
      ...options.flatMap(({ voters = [] }) => voters),
    ])
    const unknown = [...new Set(people)].filter((person) => !(person in state.names))
    if (unknown.length > 0) setState('names', await props.bridge.names(unknown.slice(0, 100)))
  })
  props.bridge.onUpdated(refresh)
  refresh()

  const act: Act = async (action, data) => {
    setProblem()
    try {
      await props.bridge.request(action, data)
      return true
    } catch (error) {
      setProblem(w(Object(error).code === 'rate_limited' ? 'tooMany' : 'failed'))
      return false
    } finally {
      refresh()
    }
  }
  return (
    <main>
      <div class="top">
        <h1>{w('title')}</h1>
        <Show when={!isCreating() && props.bridge.user.role !== 'guest'}>
          <button type="button" class="primary" onClick={() => setCreating(true)}>
            {w('create')}
          </button>
        </Show>
      </div>
      <p role="alert">{problem()}</p>
      <Show when={isCreating()}>
        <PollForm bridge={props.bridge} act={act} onDone={() => setCreating(false)} />
      </Show>
      <Show when={isLoaded() && state.polls.length === 0}>
        <p class="muted">{w('none')}</p>
      </Show>
      <For each={state.polls}>
        {(poll) => <PollView bridge={props.bridge} poll={poll} names={state.names} act={act} />}
      </For>
    </main>
  )
}

function PollForm(props: { bridge: AppBridge; act: Act; onDone: () => void }) {
  const { w } = useWords(props.bridge)
  const id = crypto.randomUUID()
  const [options, setOptions] = createSignal(['', ''])
  const [data, setData] = createStore({
    question: '',
    multiple: false,
    anonymous: false,
    hidden: false,
  })
  const submit = async (event: Event) => {
    event.preventDefault()
    if (await props.act('create', { ...data, id, options: options() })) props.onDone()
  }
  const change = (at: number, text: string) =>
    setOptions((before) => before.map((option, index) => (index === at ? text : option)))
  return (
    <form onSubmit={submit}>
      <label>
        {w('question')}
        <input
          required
          maxLength={300}
          ref={(field) => queueMicrotask(() => field.focus())}
          onInput={({ currentTarget }) => setData('question', currentTarget.value)}
        />
      </label>
      <Index each={options()}>
        {(option, index) => (
          <div class="line">
            <label>
              {w('option', { number: index + 1 })}
              <input
                required
                maxLength={100}
                value={option()}
                onInput={({ currentTarget }) => change(index, currentTarget.value)}
              />
            </label>
            <Show when={options().length > 2}>
              <button
                type="button"
                aria-label={w('removeOption', { number: index + 1 })}
                onClick={() => setOptions((before) => before.filter((_, at) => at !== index))}
              >
                ×
              </button>
            </Show>
          </div>
        )}
      </Index>
      <Show when={options().length < 10}>
        <button type="button" onClick={() => setOptions((before) => [...before, ''])}>
          {w('addOption')}
        </button>
      </Show>
      <For each={['multiple', 'anonymous', 'hidden'] as const}>
        {(name) => (
          <label class="choice">
            <input
              type="checkbox"
              onChange={({ currentTarget }) => setData(name, currentTarget.checked)}
            />
            <span>{w(name)}</span>
          </label>
        )}
      </For>
      <div class="line">
        <button type="submit" class="primary">
          {w('create')}
        </button>
        <button type="button" onClick={props.onDone}>
          {w('cancel')}
        </button>
      </div>
    </form>
  )
}

function PollView(props: {
  bridge: AppBridge
  poll: Poll
  names: Record<string, string>
  act: Act
}) {
  const { w, voters, number, percent, list } = useWords(props.bridge)
  const { user } = props.bridge
  const hasResults = () => !props.poll.hidden || props.poll.closedAt !== undefined
  const isOpen = () => !props.poll.closedAt && user.role !== 'guest'
  const mayClose = () =>
    isOpen() && (props.poll.createdBy === user.id || ['owner', 'moderator'].includes(user.role))
  const shareOf = ({ votes = 0 }: Option) => (props.poll.count === 0 ? 0 : votes / props.poll.count)
  const nameOf = (person: string) => props.names[person] ?? person
  const namesOf = ({ voters = [], votes = 0 }: Option) => {
    const more = votes - voters.length
    return list([...voters.map(nameOf), ...(more > 0 ? [w('more', { count: number(more) })] : [])])
  }
  const vote = (options: number[]) => props.act('vote', { poll: props.poll.id, options })
  let choices: HTMLFieldSetElement | undefined
  /** Reads the choices from the page: `mine` may lack the one that was made just before. */
  const choose = async () => {
    const inputs = [...(choices?.querySelectorAll('input') ?? [])]
    if (await vote(inputs.flatMap(({ checked }, option) => (checked ? [option] : [])))) return
    for (const [option, input] of inputs.entries()) input.checked = props.poll.mine.includes(option)
  }
  const facts = () => [
    w('by', { name: nameOf(props.poll.createdBy) }),
    voters(props.poll.count),
    ...(props.poll.anonymous ? [w('isAnonymous')] : []),
    ...(props.poll.closedAt ? [w('closed')] : []),
  ]
  return (
    <article>
      <fieldset disabled={!isOpen()} ref={choices}>
        <legend dir="auto">{props.poll.question}</legend>
        <p class="muted">{facts().join(' · ')}</p>
        <For each={props.poll.options}>
          {(option, index) => (
            <div class="result">
              <label class="choice">
                <input
                  type={props.poll.multiple ? 'checkbox' : 'radio'}
                  name={props.poll.id}
                  checked={props.poll.mine.includes(index())}
                  onChange={choose}
                />
                <span dir="auto">{option.text}</span>
                <Show when={hasResults()}>{number(option.votes ?? 0)}</Show>
              </label>
              <Show when={hasResults()}>
                <div class="bar" aria-hidden="true">
                  <div style={{ 'inline-size': `${Math.round(shareOf(option) * 100)}%` }} />
                </div>
              </Show>
            </div>
          )}
        </For>
      </fieldset>
      <Show when={hasResults()} fallback={<p class="muted">{w('resultsLater')}</p>}>
        <details>
          <summary>{w('results')}</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">{w('answer')}</th>
                <th scope="col">{w('votes')}</th>
                <th scope="col">{w('share')}</th>
                <Show when={!props.poll.anonymous}>
                  <th scope="col">{w('people')}</th>
                </Show>
              </tr>
            </thead>
            <tbody>
              <For each={props.poll.options}>
                {(option) => (
                  <tr>
                    <th scope="row" dir="auto">
                      {option.text}
                    </th>
                    <td>{number(option.votes ?? 0)}</td>
                    <td>{percent(shareOf(option))}</td>
                    <Show when={!props.poll.anonymous}>
                      <td>{namesOf(option)}</td>
                    </Show>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </details>
      </Show>
      <div class="line">
        <Show when={isOpen() && props.poll.mine.length > 0}>
          <button type="button" onClick={() => void vote([])}>
            {w('withdraw')}
          </button>
        </Show>
        <Show when={mayClose()}>
          <button type="button" onClick={() => void props.act('close', { poll: props.poll.id })}>
            {w('close')}
          </button>
        </Show>
      </div>
    </article>
  )
}

/** Returns a function that loads. While a load runs, any number of calls lead to one more load. */
function createRefresh(load: () => Promise<void>) {
  let isRunning = false
  let isStale = false
  return async () => {
    isStale = true
    if (isRunning) return
    isRunning = true
    while (isStale) {
      isStale = false
      await load().catch(() => undefined)
    }
    isRunning = false
  }
}
