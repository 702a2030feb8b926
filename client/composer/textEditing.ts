export function replaceText(
  field: HTMLTextAreaElement,
  [start, end]: readonly [number, number],
  text: string,
): void {
  field.focus()
  field.setSelectionRange(start, end)
  // `execCommand` is deprecated, but only it adds to the browser's undo history.
  if (document.execCommand('insertText', false, text)) return
  field.setRangeText(text, start, end, 'end')
  field.dispatchEvent(new InputEvent('input', { bubbles: true }))
}

const marks: Record<string, string> = { b: '**', i: '_', e: '`' }

export function markOf(event: KeyboardEvent): string | undefined {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return undefined
  return marks[event.key.toLowerCase()]
}

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

function fenceFor(mark: string, selected: string): readonly [string, string] {
  return mark === '`' && selected.includes('\n') ? ['```\n', '\n```'] : [mark, mark]
}
