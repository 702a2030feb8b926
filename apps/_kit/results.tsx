import { For, Show } from 'solid-js'
import { useApp } from './create-app.ts'
import { results } from './words/index.ts'

interface Result {
  text: string
  votes?: number | undefined
  /** The ids of some of the voters: `tally` returns at most 20. */
  voters?: string[] | undefined
}

/**
 * A bar for a share between 0 and 1. Screen readers skip it, so show the number as text as well.
 */
export function Bar(props: { share: number }) {
  return (
    <div class="bar" aria-hidden="true">
      <div style={{ 'inline-size': `${Math.round(props.share * 100)}%` }} />
    </div>
  )
}

/** The results of a vote as a table that the user can open. `total` is the number of voters. */
export function ResultTable(props: { results: readonly Result[]; total: number }) {
  const { textsOf, nameOf, number, percent, list } = useApp()
  const t = textsOf(results)
  const hasVoters = () => props.results.some(({ voters }) => voters)
  const namesOf = ({ voters = [], votes = 0 }: Result) => {
    const more = votes - voters.length
    return list([...voters.map(nameOf), ...(more > 0 ? [t('more', { count: more })] : [])])
  }
  return (
    <details>
      <summary>{t('showTable')}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('answer')}</th>
            <th scope="col">{t('votes')}</th>
            <th scope="col">{t('share')}</th>
            <Show when={hasVoters()}>
              <th scope="col">{t('people')}</th>
            </Show>
          </tr>
        </thead>
        <tbody>
          <For each={props.results}>
            {(result) => (
              <tr>
                <th scope="row" dir="auto">
                  {result.text}
                </th>
                <td>{number(result.votes ?? 0)}</td>
                <td>{percent(shareOf(result.votes, props.total))}</td>
                <Show when={hasVoters()}>
                  <td>{namesOf(result)}</td>
                </Show>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </details>
  )
}

/** Returns the share of voters who chose an option, from 0 to 1. Without any voters, it is 0. */
export function shareOf(votes = 0, total: number): number {
  return total === 0 ? 0 : votes / total
}
