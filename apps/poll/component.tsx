import {
  type AnswerOf,
  type App,
  Button,
  Checkbox,
  Choices,
  defineElement,
  Field,
  FieldList,
  Form,
  List,
  Page,
  useApp,
} from '#app'
import type poll from './index.ts'
import { words } from './words/index.ts'

type PollApp = App<typeof poll, typeof words.en>
type Poll = AnswerOf<typeof poll, 'list'>['polls'][number]

defineElement<PollApp>('poll', { words, view: Polls })

function Polls() {
  const { t, act, may, user, load, nameOf } = useApp<PollApp>()
  const loaded = load('list')
  const form = () => may('speak') && { button: t('create'), primary: true, view: PollForm }
  const isOpen = (poll: Poll) => !poll.closedAt && may('speak')
  const mayClose = (poll: Poll) => isOpen(poll) && (poll.createdBy === user.id || may('moderate'))
  return (
    <Page title={t('title')} form={form()}>
      <List each={loaded()?.polls} none={t('none')}>
        {(poll) => (
          <Choices
            {...poll}
            label={poll.question}
            disabled={!isOpen(poll)}
            facts={[
              t('by', { name: nameOf(poll.createdBy) }),
              t('voters', { count: poll.count }),
              poll.anonymous && t('isAnonymous'),
              poll.closedAt ? t('closed') : poll.hidden && t('resultsLater'),
            ]}
            onChoose={(options) => act('vote', { poll: poll.id, options })}
          >
            <Button hidden={!mayClose(poll)} onClick={() => act('close', { poll: poll.id })}>
              {t('close')}
            </Button>
          </Choices>
        )}
      </List>
    </Page>
  )
}

function PollForm() {
  return (
    <Form<PollApp> action="create" withId>
      <Field name="question" required maxLength={300} />
      <FieldList name="options" min={2} max={10} required maxLength={100} />
      <Checkbox name="multiple" />
      <Checkbox name="anonymous" />
      <Checkbox name="hidden" />
    </Form>
  )
}
