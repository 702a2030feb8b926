import { For, type JSX, Show } from 'solid-js'

interface ListProps<Item> {
  /** The items; undefined until they are loaded. */
  each: readonly Item[] | undefined
  /** The text for an empty list. */
  none: string
  children: (item: Item) => JSX.Element
}

/** Shows items, or a text if there are none. Shows nothing until they are loaded. */
export function List<Item>(props: ListProps<Item>) {
  return (
    <Show when={props.each}>
      {(items) => (
        <For each={items()} fallback={<p class="muted">{props.none}</p>}>
          {props.children}
        </For>
      )}
    </Show>
  )
}
