import './translation.css'
import { createEffect, createMemo, Match, on, onCleanup, onMount, Show, Switch } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useUserCard } from '../people/createUserCard.ts'
import { MessageText } from '../text/MessageText.tsx'
import { parseMessage } from '../text/parse.ts'
import { toPlainText } from '../text/plain.ts'
import { useAnnounce } from '../ui/liveRegion.ts'
import { createTarget } from './createTarget.ts'
import { type Translation, useTranslations } from './createTranslations.ts'
import { engineNames, languageName } from './names.ts'
import { restrictLinks } from './restrict.ts'

const maxAnnouncedLength = 300
const rightToLeft = new Set(['ar', 'fa', 'he', 'ur'])

export function MessageTranslation(props: { item: TimelineMessage }) {
  const chat = useChat()
  const translations = useTranslations(chat)
  const target = createTarget()
  const entry = () => translations.of(props.item)
  const shown = () => {
    const translation = entry()
    if (!translation || translation.isHidden) return undefined
    // A skipped or failed automatic translation is not shown, because the user has not asked for it.
    // But if the engine is unavailable, the page says so, because the translation follows later.
    const isSilent = translation.isAutomatic && ['skipped', 'failed'].includes(translation.status)
    return isSilent && translation.code !== 'unavailable' ? undefined : translation
  }
  let anchor!: HTMLElement

  onMount(() => {
    const article = anchor.closest('article')
    const onKey = (event: KeyboardEvent) => {
      const { key, target: focused, ctrlKey, metaKey, altKey } = event
      if (key.toLowerCase() !== 't' || focused !== article || ctrlKey || metaKey || altKey) return
      event.preventDefault()
      if (shown()) translations.hide(props.item)
      else translations.translate(props.item, target())
    }
    article?.addEventListener('keydown', onKey)
    onCleanup(() => article?.removeEventListener('keydown', onKey))
  })
  const isAutomatic = createMemo(
    () =>
      chat.preferences.all().translateRooms?.[props.item.room] === true &&
      props.item.sender !== chat.me &&
      !entry(),
  )
  createEffect(() => {
    if (!isAutomatic()) return
    const { item } = props
    const observer = new IntersectionObserver(([seen]) => {
      if (seen?.isIntersecting) translations.enqueue(item, target())
      else translations.dequeue(item)
    })
    observer.observe(anchor.parentElement ?? anchor)
    onCleanup(() => {
      observer.disconnect()
      translations.dequeue(item)
    })
  })

  return (
    <>
      <span
        hidden
        ref={(element) => {
          anchor = element
        }}
      />
      <Show when={shown()}>
        {(translation) => <ShownTranslation item={props.item} translation={translation()} />}
      </Show>
    </>
  )
}

function ShownTranslation(props: { item: TimelineMessage; translation: Translation }) {
  const chat = useChat()
  const { t, code } = useLanguage()
  const announce = useAnnounce()
  const card = useUserCard()
  const translations = useTranslations(chat)
  const targetName = () => languageName(props.translation.targetLang, code())
  const credit = () => {
    const { engine, status } = props.translation
    if (status === 'running') return t('translate.running')
    const key = engine === 'apertium' ? 'translate.rough' : 'translate.by'
    return engine ? t(key, { engine: engineNames[engine] }) : ''
  }
  const problem = () => {
    const { status, code: reason } = props.translation
    if (status === 'skipped') return t('translate.nothing')
    if (reason === 'unavailable') return t('translate.unavailable')
    if (reason === 'not_found') return t('translate.unsupported', { language: targetName() })
    if (reason === 'unusable') return t('translate.unusable')
    return t('translate.problem')
  }
  const isProblem = () => ['failed', 'skipped'].includes(props.translation.status)
  const blocks = createMemo(() =>
    restrictLinks(parseMessage(props.translation.text), parseMessage(props.item.text)),
  )
  // Announces the whole translation, instead of each piece.
  createEffect(
    on(
      () => props.translation.status,
      (status, before) => {
        if (before !== 'running' || props.translation.isAutomatic) return
        const names = { mentions: props.item.mentions, nameOf: chat.people.name }
        const text = toPlainText(props.translation.text, maxAnnouncedLength, names)
        announce(status === 'done' ? t('translate.done', { text }) : problem())
      },
    ),
  )

  return (
    <div class="translation" aria-busy={props.translation.status === 'running'}>
      <Switch
        fallback={
          <div
            lang={props.translation.targetLang}
            dir={rightToLeft.has(props.translation.targetLang) ? 'rtl' : 'ltr'}
          >
            <MessageText
              text={props.translation.text}
              blocks={blocks()}
              mentions={props.item.mentions}
              me={chat.me}
              names={(user) => chat.people.name(user)}
              onMention={card.show}
            />
          </div>
        }
      >
        <Match when={isProblem()}>
          <p>{problem()}</p>
          <Show when={props.translation.code === 'unavailable' && props.translation.reason}>
            <p class="translation-reason" lang="en" dir="ltr">
              {props.translation.reason}
            </p>
          </Show>
        </Match>
      </Switch>
      <p class="translation-foot">
        <Show when={!isProblem()}>
          <span>{credit()}</span>
        </Show>
        <Show when={props.translation.status === 'failed'}>
          <button
            type="button"
            class="translation-action"
            onClick={() => translations.translate(props.item, props.translation.targetLang)}
          >
            {t('message.retry')}
          </button>
        </Show>
        <button
          type="button"
          class="translation-action"
          onClick={({ currentTarget }) => {
            currentTarget.closest('article')?.focus({ preventScroll: true })
            translations.hide(props.item)
          }}
        >
          {t('translate.hide')}
        </button>
      </p>
    </div>
  )
}
