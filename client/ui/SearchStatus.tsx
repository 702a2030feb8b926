import { Match, type Resource, Switch } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

/** What there is to say of a search besides what it found: that it takes long, or that nobody answers. */
export function SearchStatus<Found>(props: { of: Resource<Found> }) {
  const { t } = useLanguage()
  return (
    <div role="status">
      <Switch>
        <Match when={props.of.state === 'errored'}>
          <p class="list-empty">{t('app.away')}</p>
        </Match>
        <Match when={props.of.loading}>
          <p class="list-empty is-late">{t('rooms.searching')}</p>
        </Match>
      </Switch>
    </div>
  )
}

/** What was found last; nothing where nobody answered. */
export function latestOf<Found>(found: Resource<Found>): Found | undefined {
  return found.state === 'errored' ? undefined : found.latest
}
