import { createSignal, For, Show } from 'solid-js'
import {
  type AnswerOf,
  type App,
  Bar,
  Checkbox,
  defineElement,
  Field,
  Form,
  Page,
  ResultTable,
  shareOf,
  useApp,
} from '#app'
import css from './component.css?inline'
import type poll from './index.ts'
import { words } from './words/index.ts'

type PollApp = App<typeof poll, typeof words.en>
type Poll = AnswerOf<typeof poll, 'list'>['polls'][number]

defineElement<PollApp>('poll', { words, css, view: Polls })

function Polls() {
  const { t, may, load } = useApp<PollApp>()
  const loaded = load('list')
  const [isCreating, setCreating] = createSignal(false)
  const create = (
    <Show when={!isCreating() && may('speak')}>
      <button type="button" class="primary" onClick={() => setCreating(true)}>
        {t('create')}
      </button>
    </Show>
  )
  return (
    <Page title={t('title')} tools={create}>
      <Show when={isCreating()}>
        <PollForm onDone={() => setCreating(false)} />
      </Show>
      <Show when={loaded()?.polls.length === 0}>
        <p class="muted">{t('none')}</p>
      </Show>
      <For each={loaded()?.polls}>{(poll) => <PollView poll={poll} />}</For>
    </Page>
  )
}

function PollForm(props: { onDone: () => void }) {
  const { t, act } = useApp<PollApp>()
  const id = crypto.randomUUID()
  const [options, setOptions] = createSignal([0, 1])
  const submit = (form: FormData) =>
    act('create', {
      id,
      question: `${form.get('question')}`,
      options: form.getAll('option').map(String),
      multiple: form.has('multiple'),
      anonymous: form.has('anonymous'),
      hidden: form.has('hidden'),
    })
  return (
    <Form submit={t('create')} onSubmit={submit} onDone={props.onDone}>
      <Field label={t('question')} name="question" required maxLength={300} />
      <For each={options()}>
        {(option, index) => (
          <div class="line">
            <Field
              label={t('option', { number: index() + 1 })}
              name="option"
              required
              maxLength={100}
            />
            <Show when={options().length > 2}>
              <button
                type="button"
                aria-label={t('removeOption', { number: index() + 1 })}
                onClick={() => setOptions((before) => before.filter((one) => one !== option))}
              >
                ×
              </button>
            </Show>
          </div>
        )}
      </For>
      <Show when={options().length < 10}>
        <button type="button" onClick={() => setOptions((all) => [...all, Math.max(...all) + 1])}>
          {t('addOption')}
        </button>
      </Show>
      <For each={['multiple', 'anonymous', 'hidden'] as const}>
        {(name) => <Checkbox label={t(name)} name={name} />}
      </For>
    </Form>
  )
}

function PollView(props: { poll: Poll }) {
  const { t, act, may, user, number, nameOf } = useApp<PollApp>()
  const hasResults = () => !props.poll.hidden || props.poll.closedAt !== undefined
  const isOpen = () => !props.poll.closedAt && may('speak')
  const mayClose = () => isOpen() && (props.poll.createdBy === user.id || may('moderate'))
  const vote = (options: number[]) => act('vote', { poll: props.poll.id, options })
  let choices: HTMLFieldSetElement | undefined
  /** The user's choice until it is stored: `mine` may lack it while several votes are sent. */
  const [chosen, setChosen] = createSignal<number[]>()
  const choose = async () => {
    const inputs = [...(choices?.querySelectorAll('input') ?? [])]
    const options = inputs.flatMap(({ checked }, option) => (checked ? [option] : []))
    setChosen(options)
    await vote(options)
    if (chosen() === options) setChosen()
  }
  const facts = () => [
    t('by', { name: nameOf(props.poll.createdBy) }),
    t('voters', { count: props.poll.count }),
    ...(props.poll.anonymous ? [t('isAnonymous')] : []),
    ...(props.poll.closedAt ? [t('closed')] : []),
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
                  checked={(chosen() ?? props.poll.mine).includes(index())}
                  onChange={choose}
                />
                <span dir="auto">{option.text}</span>
                <Show when={hasResults()}>{number(option.votes ?? 0)}</Show>
              </label>
              <Show when={hasResults()}>
                <Bar share={shareOf(option.votes, props.poll.count)} />
              </Show>
            </div>
          )}
        </For>
      </fieldset>
      <Show when={hasResults()} fallback={<p class="muted">{t('resultsLater')}</p>}>
        <ResultTable results={props.poll.options} total={props.poll.count} />
      </Show>
      <div class="line">
        <Show when={isOpen() && props.poll.mine.length > 0}>
          <button type="button" onClick={() => void vote([])}>
            {t('withdraw')}
          </button>
        </Show>
        <Show when={mayClose()}>
          <button type="button" onClick={() => void act('close', { poll: props.poll.id })}>
            {t('close')}
          </button>
        </Show>
      </div>
    </article>
  )
}
