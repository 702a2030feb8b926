import { type App, Button, defineElement, List, Page, useApp } from '#app'
import type app from './index.ts'
import { words } from './words/index.ts'

type ThisApp = App<typeof app, typeof words.en>

defineElement<ThisApp>('__name__', { words, view: Rolls })

function Rolls() {
  const { t, act, may, load, nameOf } = useApp<ThisApp>()
  const loaded = load('list')
  const roll = (
    <Button primary hidden={!may('speak')} onClick={() => act('roll', {})}>
      {t('roll')}
    </Button>
  )
  return (
    <Page title="__Name__" tools={roll}>
      <List each={loaded()?.rolls} none={t('none')}>
        {(rolled) => <p>{t('rolled', { name: nameOf(rolled.user), result: rolled.result })}</p>}
      </List>
    </Page>
  )
}
