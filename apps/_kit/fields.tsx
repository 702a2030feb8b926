import { type JSX, splitProps } from 'solid-js'

type FieldProps = JSX.InputHTMLAttributes<HTMLInputElement> & { label: string }

/** An input below its label. */
export function Field(props: FieldProps) {
  const [own, rest] = splitProps(props, ['label'])
  return (
    <label>
      {own.label}
      <input {...rest} />
    </label>
  )
}

export function Checkbox(props: FieldProps) {
  const [own, rest] = splitProps(props, ['label'])
  return (
    <label class="choice">
      <input type="checkbox" {...rest} />
      <span>{own.label}</span>
    </label>
  )
}
