type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

const isField = (element: Element): element is Field => element.matches('input, textarea, select')
const isToggle = ({ type }: Field) => type === 'checkbox' || type === 'radio'

/**
 * Returns the values of the named fields of a form. The value of a checkbox is a boolean. The value
 * of a named `<fieldset>` is the list of the values of its fields. The list leaves out checkboxes
 * that are not checked.
 */
export function readFields(form: HTMLFormElement): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const element of form.elements) {
    const name = element.getAttribute('name')
    if (!name) continue
    if (element instanceof HTMLFieldSetElement) values[name] = readList(element)
    else if (isField(element) && (element.type !== 'radio' || isChecked(element)))
      values[name] = element.type === 'checkbox' ? isChecked(element) : convert(element)
  }
  return values
}

function readList({ elements }: HTMLFieldSetElement) {
  const fields = [...elements].filter(isField)
  return fields.filter((field) => !isToggle(field) || isChecked(field)).map(convert)
}

function convert({ value, type, dataset }: Field) {
  const isNumber = type === 'number' || 'number' in dataset
  return isNumber && value !== '' ? Number(value) : value
}

function isChecked(field: Field) {
  return 'checked' in field && field.checked
}
