import { For, onCleanup, Show } from 'solid-js'
import {
  type AnswerOf,
  type App,
  CheckboxGroup,
  defineElement,
  Field,
  Form,
  Page,
  Select,
  useApp,
} from '#app'
import css from './component.css?inline'
import type standup from './index.ts'
import { words } from './words/index.ts'

type StandupApp = App<typeof standup, typeof words.en>
type State = AnswerOf<typeof standup, 'state'>
type Open = NonNullable<State['open']>

const questions = [
  { name: 'done', label: 'done', isRequired: true },
  { name: 'next', label: 'plan', isRequired: true },
  { name: 'blockers', label: 'blockers', isRequired: false },
] as const
const weekdays = [1, 2, 3, 4, 5, 6, 7]
const durations = [15, 30, 60, 120, 240, 480]
const defaults = { time: '09:30', days: [1, 2, 3, 4, 5], minutes: 60 }
const draftDelayMs = 1_000

defineElement<StandupApp>('standup', { words, css, view: Standup })

function Standup() {
  const { t, may, load } = useApp<StandupApp>()
  const { momentOf } = useTimes()
  const state = load('state')
  const settings = () =>
    may('moderate') &&
    state() && {
      button: t('settings'),
      view: () => <SettingsForm settings={state()?.settings} />,
    }
  return (
    <Page title={t('title')} form={settings()}>
      <Show when={state()}>
        {(loaded) => (
          <p class="muted">
            {loaded().settings?.opensAt
              ? t('next', { time: momentOf(loaded().settings?.opensAt) })
              : t('none')}
          </p>
        )}
      </Show>
      <Show when={state()?.open?.day} keyed>
        {(day) => (
          <Show when={state()?.open}>
            {(open) => (
              <section>
                <p>{t('until', { time: momentOf(open().closesAt) })}</p>
                <p class="muted">
                  {t('answered', { answered: open().answered, members: open().members })}
                </p>
                <Show when={may('speak')} fallback={<p class="muted">{t('guest')}</p>}>
                  <AnswerForm day={day} mine={open().mine} />
                </Show>
              </section>
            )}
          </Show>
        )}
      </Show>
      <Show when={state()?.past.length}>
        <section>
          <h2>{t('past')}</h2>
          <For each={state()?.past}>
            {(past, index) => <Summary past={past} isNewest={index() === 0} />}
          </For>
        </section>
      </Show>
    </Page>
  )
}

/** A draft is saved a second after the last keystroke, and when a field loses the focus. */
function AnswerForm(props: { day: string; mine: Open['mine'] }) {
  const { t, act } = useApp<StandupApp>()
  let form: HTMLFormElement | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const read = () => {
    const data = new FormData(form)
    const of = (name: string) => `${data.get(name) ?? ''}`
    return { day: props.day, done: of('done'), next: of('next'), blockers: of('blockers') }
  }
  const save = () => {
    clearTimeout(timer)
    if (!props.mine.isSubmitted) void act('save', read())
  }
  const saveSoon = () => {
    clearTimeout(timer)
    timer = setTimeout(save, draftDelayMs)
  }
  onCleanup(() => clearTimeout(timer))
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    clearTimeout(timer)
    void act('submit', read())
  }
  return (
    <form ref={form} onSubmit={submit} onInput={saveSoon} onChange={save}>
      <For each={questions}>
        {({ name, label, isRequired }) => (
          <label>
            {t(label)}
            <textarea name={name} dir="auto" maxLength={2_000} required={isRequired}>
              {props.mine[name]}
            </textarea>
          </label>
        )}
      </For>
      <p class="muted">{t(props.mine.isSubmitted ? 'submitted' : 'draft')}</p>
      <div class="line">
        <button type="submit" class="primary">
          {t(props.mine.isSubmitted ? 'update' : 'submit')}
        </button>
      </div>
    </form>
  )
}

function Summary(props: { past: State['past'][number]; isNewest: boolean }) {
  const { t, nameOf } = useApp<StandupApp>()
  const { dayOf } = useTimes()
  return (
    <article>
      <details open={props.isNewest}>
        <summary>
          {dayOf(props.past.day)} ·{' '}
          {t('answered', { answered: props.past.answers.length, members: props.past.members })}
        </summary>
        <For each={props.past.answers} fallback={<p class="muted">{t('nobody')}</p>}>
          {(answer) => (
            <>
              <h3 dir="auto">{nameOf(answer.user)}</h3>
              <dl>
                <For each={questions.filter(({ name }) => answer[name] !== '')}>
                  {({ name, label }) => (
                    <>
                      <dt>{t(label)}</dt>
                      <dd dir="auto">{answer[name]}</dd>
                    </>
                  )}
                </For>
              </dl>
            </>
          )}
        </For>
      </details>
    </article>
  )
}

function SettingsForm(props: { settings: State['settings'] }) {
  const { t } = useApp<StandupApp>()
  const { weekdayOf, durationOf } = useTimes()
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  const { time, timeZone, days, minutes } = { timeZone: own, ...defaults, ...props.settings }
  const zones = new Set([timeZone, own, 'UTC', ...Intl.supportedValuesOf('timeZone')])
  const allDurations = [...new Set([...durations, minutes])].sort((a, b) => a - b)
  return (
    <Form<StandupApp> action="configure" submit={t('save')}>
      <Field name="time" type="time" required value={time} />
      <Select name="timeZone" options={[...zones].sort()} value={timeZone} />
      <CheckboxGroup name="days" options={weekdays} checked={days} textOf={weekdayOf} />
      <Select name="minutes" options={allDurations} value={minutes} textOf={durationOf} />
    </Form>
  )
}

function useTimes() {
  const { locale } = useApp<StandupApp>()
  const format = (at: Date, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale(), options).format(at)
  return {
    momentOf: (at = '') => format(new Date(at), { dateStyle: 'medium', timeStyle: 'short' }),
    dayOf: (day: string) => format(new Date(day), { dateStyle: 'full', timeZone: 'UTC' }),
    // The 1st of January 2024 was a Monday, so the 1st to 7th of this month have the weekdays 1 to 7.
    weekdayOf: (weekday: number) => format(new Date(2024, 0, weekday), { weekday: 'short' }),
    durationOf(minutes: number) {
      const isHours = minutes % 60 === 0
      const style = { style: 'unit', unitDisplay: 'long' } as const
      return new Intl.NumberFormat(locale(), {
        ...style,
        unit: isHours ? 'hour' : 'minute',
      }).format(isHours ? minutes / 60 : minutes)
    },
  }
}
