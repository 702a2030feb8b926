import { type Board, listNotes, type Note, readNote, board as size } from './create-board.ts'

const noteSize = { width: 400, padding: 24, fontSize: 44, lineHeight: 58 }

/** Returns the board as an SVG document in the colours of the current theme. */
export function exportSvg(drawing: SVGSVGElement, board: Board): string {
  const svg = drawing.cloneNode() as SVGSVGElement
  for (const { name } of [...svg.attributes]) if (name !== 'viewBox') svg.removeAttribute(name)
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  const colors = createColors()
  const style = getComputedStyle(document.body)
  svg.append(element('rect', { ...size, fill: colors(style.backgroundColor) }))
  for (const path of drawing.children) {
    const d = path.getAttribute('d')
    if (d) svg.append(element('path', { d, fill: colors(getComputedStyle(path).fill) }))
  }
  const look = { fill: colors(style.color), 'font-family': style.fontFamily }
  for (const note of listNotes(board)) svg.append(drawNote(note, look))
  return new XMLSerializer().serializeToString(svg)
}

function drawNote(note: Note, look: Record<string, string>) {
  const { x, y, text } = readNote(note)
  const { width, padding, fontSize, lineHeight } = noteSize
  const lines = wrap(text, width - 2 * padding, `${fontSize}px ${look['font-family']}`)
  const group = element('g', {})
  const height = lines.length * lineHeight + 2 * padding
  group.append(
    element('rect', { x, y, width, height, rx: 16, fill: 'none', stroke: look.fill ?? '' }),
  )
  for (const [index, line] of lines.entries()) {
    const at = { x: x + padding, y: y + padding + fontSize + index * lineHeight }
    const shown = element('text', { ...at, ...look, 'font-size': fontSize })
    shown.textContent = line
    group.append(shown)
  }
  return group
}

/** Breaks a text into lines, because SVG does not wrap text. */
function wrap(text: string, width: number, font: string): string[] {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  if (context) context.font = font
  const isTooWide = (line: string) => (context?.measureText(line).width ?? 0) > width
  return (
    text
      // Removes characters that XML does not allow.
      .replace(/[^\t\n\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
      .split('\n')
      .flatMap((paragraph) => {
        const lines: string[] = ['']
        for (const part of paragraph.split(/(?<= )/)) {
          if (isTooWide(`${lines.at(-1)}${part}`) && lines.at(-1)) lines.push('')
          for (const char of part) {
            if (isTooWide(`${lines.at(-1)}${char}`)) lines.push('')
            lines[lines.length - 1] += char
          }
        }
        return lines
      })
  )
}

/** Returns a function that converts a colour of the theme to a notation that every SVG viewer supports. */
function createColors() {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  const known = new Map<string, string>()
  return (color: string): string => {
    const existing = known.get(color)
    if (existing || !context) return existing ?? color
    context.fillStyle = color
    context.fillRect(0, 0, 1, 1)
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data
    known.set(color, `rgb(${red},${green},${blue})`)
    return `rgb(${red},${green},${blue})`
  }
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const created = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, `${value}`)
  return created
}
