import { Combobox, useComboboxContext } from '@kobalte/core/combobox'
import { createEffect, createUniqueId, type JSX, on, onMount, Show } from 'solid-js'

export interface SearchItem {
  key: string
  title: string
  isDisabled?: boolean
}

/** Shows all `options`: the caller must filter them by the text that `onQuery` passes. */
export function SearchList<Option extends SearchItem>(props: {
  label: string
  title: string
  options: readonly Option[]
  onQuery: (text: string) => void
  onPick: (option: Option) => void
  children: (option: Option) => JSX.Element
  classOf?: (option: Option) => string
  empty?: JSX.Element
}) {
  // An option keeps its id when it is rendered again, so that a screen reader does not announce it
  // twice.
  const id = createUniqueId()
  return (
    <Combobox<Option>
      class="form"
      open
      options={[...props.options]}
      optionValue="key"
      optionTextValue="title"
      optionLabel="title"
      optionDisabled="isDisabled"
      onChange={(option) => option && props.onPick(option)}
      onInputChange={props.onQuery}
      defaultFilter={() => true}
      allowsEmptyCollection
      noResetInputOnBlur
      closeOnSelection={false}
      shouldFocusWrap
      translations={{
        focusAnnouncement: (text) => text,
        // The number of results is not announced: at each letter, it would interrupt the screen
        // reader.
        countAnnouncement: () => undefined,
        selectedAnnouncement: (text) => text,
        triggerLabel: props.title,
        listboxLabel: props.title,
      }}
      itemComponent={({ item }) => (
        <Combobox.Item
          item={item}
          id={`${id}-${item.key}`}
          class={`pick ${props.classOf?.(item.rawValue) ?? ''}`}
        >
          {props.children(item.rawValue)}
        </Combobox.Item>
      )}
    >
      <Combobox.Control>
        <Combobox.Input class="input" aria-label={props.label} placeholder={props.label} />
      </Combobox.Control>
      <HighlightFirst options={props.options} />
      <Combobox.Listbox class="picks" />
      <Show when={props.options.length === 0}>{props.empty}</Show>
    </Combobox>
  )
}

function HighlightFirst(props: { options: readonly SearchItem[] }) {
  const combobox = useComboboxContext()
  const highlight = () => {
    const state = combobox.listState()
    state.selectionManager().setFocused(true)
    state.selectionManager().setFocusedKey(state.collection().getFirstKey())
  }
  onMount(highlight)
  // Highlights the first option again, because the combobox clears the highlight on each input.
  createEffect(on([() => props.options, combobox.inputValue], () => queueMicrotask(highlight)))
  return null
}
