import { For, Show } from 'solid-js'
import { type App, defineElement, Page, useApp } from '#app'
import type app from './index.ts'
import { words } from './words/index.ts'

type ThisApp = App<typeof app, typeof words.en>

defineElement<ThisApp>('__name__', { words, view: Rolls })

function Rolls() {
  const { t, act, may, load, nameOf } = useApp<ThisApp>()
  const loaded = load('list')
  const roll = (
    <Show when={may('speak')}>
      <button type="button" class="primary" onClick={() => void act('roll', {})}>
        {t('roll')}
      </button>
    </Show>
  )
  return (
    <Page title="__Name__" tools={roll}>
      <Show when={loaded()?.rolls.length === 0}>
        <p class="muted">{t('none')}</p>
      </Show>
      <For each={loaded()?.rolls}>
        {(rolled) => <p>{t('rolled', { name: nameOf(rolled.user), result: rolled.result })}</p>}
      </For>
    </Page>
  )
}
