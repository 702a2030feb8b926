import { createSignal, For, type JSX, splitProps } from 'solid-js'
import { Button } from './button.tsx'
import { useApp } from './create-app.ts'
import { fields as fieldTexts } from './words/index.ts'

interface FieldProps extends JSX.InputHTMLAttributes<HTMLInputElement> {
  name: string
  /** Default: the app's text whose key is the name of the field. */
  label?: string
}

/** An input below its label. */
export function Field(props: FieldProps) {
  const [own, rest] = splitProps(props, ['label'])
  const { t } = useApp()
  return (
    <label>
      {own.label ?? t(rest.name)}
      <input {...rest} />
    </label>
  )
}

/** A checkbox before its label. In a form, its value is a boolean. */
export function Checkbox(props: FieldProps) {
  const [own, rest] = splitProps(props, ['label'])
  const { t } = useApp()
  return (
    <label class="choice">
      <input type="checkbox" {...rest} />
      <span>{own.label ?? t(rest.name)}</span>
    </label>
  )
}

interface OptionsProps<Value> {
  name: string
  /** Default: the app's text whose key is the name of the field. */
  label?: string
  options: readonly Value[]
  /** Returns the text of an option. Default: its value. */
  textOf?: (option: Value) => string
}

/** A list of options, one of which is selected. */
export function Select<Value extends string | number>(
  props: OptionsProps<Value> & { value: Value },
) {
  const { t } = useApp()
  return (
    <label>
      {props.label ?? t(props.name)}
      <select name={props.name} data-number={numberMark(props.options)}>
        <For each={props.options}>
          {(option) => (
            <option value={option} selected={option === props.value}>
              {props.textOf?.(option) ?? option}
            </option>
          )}
        </For>
      </select>
    </label>
  )
}

/** A group of checkboxes. In a form, its value is the list of the checked options. */
export function CheckboxGroup<Value extends string | number>(
  props: OptionsProps<Value> & { checked: readonly Value[] },
) {
  const { t } = useApp()
  return (
    <fieldset name={props.name}>
      <legend>{props.label ?? t(props.name)}</legend>
      <div class="choices">
        <For each={props.options}>
          {(option) => (
            <label class="choice">
              <input
                type="checkbox"
                value={option}
                checked={props.checked.includes(option)}
                data-number={numberMark(props.options)}
              />
              <span>{props.textOf?.(option) ?? option}</span>
            </label>
          )}
        </For>
      </div>
    </fieldset>
  )
}

interface FieldListProps extends Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'min' | 'max'> {
  /**
   * The key of the app's text that labels each field. Its `{{ number }}` counts the fields from 1.
   */
  name: string
  /** `min` and `max` limit the number of fields. */
  min: number
  max: number
}

/**
 * A list of fields that the user can add and remove. In a form, its value is the list of the values
 * of these fields.
 */
export function FieldList(props: FieldListProps) {
  const [own, rest] = splitProps(props, ['name', 'min', 'max'])
  const { t, textsOf } = useApp()
  const kitText = textsOf(fieldTexts)
  const labelOf = (index: number) => t(own.name, { number: index + 1 })
  const newFields = (count: number) => Array.from({ length: count }, () => ({}))
  const [fields, setFields] = createSignal(newFields(own.min))
  let list: HTMLFieldSetElement | undefined
  const focusLast = () => [...(list?.querySelectorAll('input') ?? [])].at(-1)?.focus()
  const change = (next: object[]) => {
    setFields(next)
    focusLast()
  }
  return (
    <fieldset class="fields" name={own.name} ref={list}>
      <For each={fields()}>
        {(field, index) => (
          <div class="line">
            <label>
              {labelOf(index())}
              <input {...rest} />
            </label>
            <Button
              hidden={fields().length <= own.min}
              aria-label={kitText('remove', { field: labelOf(index()) })}
              onClick={() => change(fields().filter((other) => other !== field))}
            >
              ×
            </Button>
          </div>
        )}
      </For>
      <Button
        hidden={fields().length >= own.max}
        onClick={() => change([...fields(), ...newFields(1)])}
      >
        {kitText('add')}
      </Button>
    </fieldset>
  )
}

/** Marks a field of numbers, so that `readFields` converts its value, which is a text in HTML. */
function numberMark([value]: readonly unknown[]) {
  return typeof value === 'number' ? '' : undefined
}
