/**
 * Puts a text in the place of another one in a field, so that it can be undone like all that is typed.
 * The caret stands behind it then.
 */
export function replaceText(
  field: HTMLTextAreaElement,
  [start, end]: readonly [number, number],
  text: string,
): void {
  field.focus()
  field.setSelectionRange(start, end)
  // Long deprecated, and still the only way into what a browser can undo.
  if (document.execCommand('insertText', false, text)) return
  field.setRangeText(text, start, end, 'end')
  field.dispatchEvent(new InputEvent('input', { bubbles: true }))
}

const marks: Record<string, string> = { b: '**', i: '_', e: '`' }

/** The sign that these keys put around what is selected: bold, italic, code. */
export function markOf(event: KeyboardEvent): string | undefined {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return undefined
  return marks[event.key.toLowerCase()]
}

/** Puts a sign around what is selected, or takes it away where it is there already. */
export function toggleMark(field: HTMLTextAreaElement, mark: string): void {
  const { value, selectionStart: start, selectionEnd: end } = field
  const selected = value.slice(start, end)
  const [before, after] = fenceFor(mark, selected)
  const isMarked =
    value.slice(0, start).endsWith(before) && value.slice(end).startsWith(after) && start !== end
  if (isMarked) {
    replaceText(field, [start - before.length, end + after.length], selected)
    field.setSelectionRange(start - before.length, end - before.length)
    return
  }
  replaceText(field, [start, end], before + selected + after)
  field.setSelectionRange(start + before.length, end + before.length)
}

/** Code of several lines stands between lines of its own. */
function fenceFor(mark: string, selected: string): readonly [string, string] {
  return mark === '`' && selected.includes('\n') ? ['```\n', '\n```'] : [mark, mark]
}
