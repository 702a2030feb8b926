import { createSignal, createUniqueId, For, type JSX, Show } from 'solid-js'
import { Button } from './button.tsx'
import { useApp } from './create-app.ts'
import { Bar, ResultTable, shareOf } from './results.tsx'
import { results } from './words/index.ts'

interface Option {
  text: string
  /**
   * The number of users who have chosen the option. If no option has `votes`, no results are shown.
   */
  votes?: number | undefined
  /** The ids of some of the users who have chosen the option: `tally` returns at most 20. */
  voters?: string[] | undefined
}

interface ChoicesProps {
  /** The question, which is also the name of the group. */
  label: string
  options: readonly Option[]
  /** Lets the user choose several options. */
  multiple?: boolean
  disabled?: boolean
  /** The positions of the options that the user has chosen. */
  mine: readonly number[]
  /** The number of users who have chosen at least one option. */
  count: number
  /** Short texts below the question. `false` and `undefined` are skipped. */
  facts?: readonly (string | false | undefined)[]
  /** Stores the positions of the chosen options. The options are shown as chosen before they are stored. */
  onChoose: (positions: number[]) => Promise<unknown>
  /** Further buttons, shown after the button that withdraws the user's choice. */
  children?: JSX.Element
}

/**
 * A question with options, of which the user can choose one or several. A button withdraws the
 * choice. Shows the results as bars and as a table.
 */
export function Choices(props: ChoicesProps) {
  const { number, textsOf } = useApp()
  const t = textsOf(results)
  const name = createUniqueId()
  const hasResults = () => props.options.some(({ votes }) => votes !== undefined)
  let group: HTMLFieldSetElement | undefined
  /**
   * The user's newest choice until it is stored. Until then, `props.mine` contains an older choice.
   */
  const [pending, setPending] = createSignal<number[]>()
  const choose = async () => {
    const inputs = [...(group?.querySelectorAll('input') ?? [])]
    const positions = inputs.flatMap(({ checked }, position) => (checked ? [position] : []))
    setPending(positions)
    await props.onChoose(positions)
    if (pending() === positions) setPending()
  }
  return (
    <article>
      <fieldset disabled={props.disabled} ref={group}>
        <legend dir="auto">{props.label}</legend>
        <Show when={props.facts}>
          {(facts) => <p class="muted">{facts().filter(Boolean).join(' · ')}</p>}
        </Show>
        <For each={props.options}>
          {(option, position) => (
            <div class="result">
              <label class="choice">
                <input
                  type={props.multiple ? 'checkbox' : 'radio'}
                  name={name}
                  checked={(pending() ?? props.mine).includes(position())}
                  onChange={choose}
                />
                <span dir="auto">{option.text}</span>
                <Show when={hasResults()}>{number(option.votes ?? 0)}</Show>
              </label>
              <Show when={hasResults()}>
                <Bar share={shareOf(option.votes, props.count)} />
              </Show>
            </div>
          )}
        </For>
      </fieldset>
      <Show when={hasResults()}>
        <ResultTable results={props.options} total={props.count} />
      </Show>
      <div class="line">
        <Button
          hidden={props.disabled || props.mine.length === 0}
          onClick={() => props.onChoose([])}
        >
          {t('withdraw')}
        </Button>
        {props.children}
      </div>
    </article>
  )
}
