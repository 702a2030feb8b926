import { createUniqueId, For, type JSX } from 'solid-js'

export function RadioGroup<Value extends string>(props: {
  legend: JSX.Element
  value: Value
  options: Record<Value, string>
  onChange: (value: Value) => void
}) {
  const name = createUniqueId()
  return (
    <fieldset class="field choices">
      <legend>{props.legend}</legend>
      <div class="choices-row">
        <For each={Object.entries<string>(props.options)}>
          {([value, label]) => (
            <label>
              <input
                type="radio"
                name={name}
                checked={props.value === value}
                onChange={() => props.onChange(value as Value)}
              />
              {label}
            </label>
          )}
        </For>
      </div>
    </fieldset>
  )
}
