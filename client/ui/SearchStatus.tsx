import { Match, type Resource, Switch } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

export function SearchStatus<Result>(props: { search: Resource<Result> }) {
  const { t } = useLanguage()
  return (
    <div role="status">
      <Switch>
        <Match when={props.search.state === 'errored'}>
          <p class="list-empty">{t('app.unreachable')}</p>
        </Match>
        <Match when={props.search.loading}>
          <p class="list-empty is-late">{t('rooms.searching')}</p>
        </Match>
      </Switch>
    </div>
  )
}

/** Returns undefined for a failed resource, because reading it would throw. */
export function latestOf<Result>(resource: Resource<Result>): Result | undefined {
  return resource.state === 'errored' ? undefined : resource.latest
}
