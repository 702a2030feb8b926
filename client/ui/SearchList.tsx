import { Combobox, useComboboxContext } from '@kobalte/core/combobox'
import { createEffect, createUniqueId, type JSX, on, onMount, Show } from 'solid-js'

/** What can be found. */
export interface SearchItem {
  /** No other has the same. */
  key: string
  title: string
  /** It is shown, and cannot be chosen. */
  isDisabled?: boolean
}

/**
 * A field, and below it what was found for what is written there: arrows and Enter choose, and the first
 * is chosen until somebody says otherwise. What fits is found by whoever uses it.
 */
export function SearchList<Option extends SearchItem>(props: {
  label: string
  /** What the list is called. */
  title: string
  options: readonly Option[]
  onText: (text: string) => void
  onPick: (option: Option) => void
  /** How one is drawn. */
  children: (option: Option) => JSX.Element
  classOf?: (option: Option) => string
  /** What there is to say where nothing was found. */
  empty?: JSX.Element
}) {
  // What is drawn anew is the same to who has it said by its id.
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
      onChange={(chosen) => chosen && props.onPick(chosen)}
      onInputChange={props.onText}
      defaultFilter={() => true}
      allowsEmptyCollection
      noResetInputOnBlur
      closeOnSelection={false}
      shouldFocusWrap
      translations={{
        focusAnnouncement: (text) => text,
        // It would interrupt what is being said, at each letter; the first of them is said anyway.
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
      <FirstChosen options={props.options} />
      <Combobox.Listbox class="picks" />
      <Show when={props.options.length === 0}>{props.empty}</Show>
    </Combobox>
  )
}

/** Whoever knows what they look for writes, and presses Enter. */
function FirstChosen(props: { options: readonly SearchItem[] }) {
  const combobox = useComboboxContext()
  const choose = () => {
    const state = combobox.listState()
    state.selectionManager().setFocused(true)
    state.selectionManager().setFocusedKey(state.collection().getFirstKey())
  }
  onMount(choose)
  // After the combobox, which chooses none where something else is written.
  createEffect(on([() => props.options, combobox.inputValue], () => queueMicrotask(choose)))
  return null
}
