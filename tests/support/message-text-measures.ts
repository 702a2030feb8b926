/**
 * These functions run in the browser. They read what a user sees of a rendered message, or of the
 * HTML that a specification of Markdown prescribes for it.
 */

/**
 * Returns the outline of a rendered message: its text, with a tag for each element that matters.
 * Compare it with the result of `outlineOfHtml`.
 */
export function outlineOfMessage(message: Element): string {
  return simplify(outlineOf(message))
}

/** Returns the outline of HTML, without details that the chat renders differently on purpose. */
export function outlineOfHtml(html: string): string {
  return simplify(outlineOf(new DOMParser().parseFromString(html, 'text/html').body))
}

function outlineOf(node: Node): string {
  if (!(node instanceof HTMLElement)) return node.textContent ?? ''
  const inner = [...node.childNodes].map(outlineOf).join('')
  const name: string = node.localName
  if (node.classList.contains('link-host')) return ''
  if (node.classList.contains('image-link')) return outlineOfImage(node)
  if (node.classList.contains('heading')) return `<h${node.className.slice(-1)}>${inner}</>`
  if (name === 'figure') return `<pre>${node.querySelector('code')?.textContent}</pre>`
  if (name === 'pre') return `<pre>${node.textContent}</pre>`
  if (name === 'img') return `<img ${urlOf(node, 'src')}>${node.getAttribute('alt')}</>`
  if (name === 'a') return `<a ${urlOf(node, 'href')}>${inner}</>`
  if (name === 'input') return node.matches(':checked') ? '[x] ' : '[ ] '
  if (name === 'br' || (name === 'td' && inner === '')) return ' '
  if (name === 'p') return `${inner} `
  return ['body', 'div', 'thead', 'tbody', 'bdi'].includes(name) ? inner : `<${name}>${inner}</>`
}

function outlineOfImage(node: Element): string {
  const description = node.querySelector('.image-description')?.textContent ?? ''
  return `<img ${node.querySelector('a')?.href}>${description}</>`
}

function urlOf(element: Element, attribute: 'href' | 'src'): string {
  const url = element.getAttribute(attribute) ?? ''
  return URL.canParse(url) ? new URL(url).href : url
}

function simplify(outline: string): string {
  return outline
    .replace(/\s+/g, ' ')
    .replace(/\s*(<[^<>]*>)\s*/g, '$1')
    .trim()
}

/**
 * Returns the visible text, with the markers of list items and the texts that links show on hover.
 */
export function shownText(node: Node): string {
  if (!(node instanceof HTMLElement)) return node.textContent ?? ''
  if (node.matches('button, .link-host')) return ''
  if (node.matches('.image-link')) {
    const description = node.querySelector('.image-description')?.textContent ?? ''
    return ` ${description} ${hoverText(node.querySelector('a'))} `
  }
  const inner = [...node.childNodes].map(shownText).join('')
  const name: string = node.localName
  if (name === 'a') return `${inner} ${hoverText(node)} `
  if (name === 'br') return '\n'
  if (name === 'input') return node.matches(':checked') ? '[x]' : '[ ]'
  return name === 'li' ? `${markerOf(node)} ${inner}` : inner
}

function hoverText(link: Element | null): string {
  const href = link?.getAttribute('href') ?? ''
  return `${href} ${decodeURI(href)} ${link?.getAttribute('data-tip') ?? ''}`
}

function markerOf(item: Element): string {
  const { listStyleType } = getComputedStyle(item)
  if (listStyleType !== 'decimal') return listStyleType
  const list = item.parentElement as HTMLOListElement
  return `${list.start + [...list.children].indexOf(item)}.`
}

export function looksOfHeadings(message: Element): string[] {
  return [...message.querySelectorAll('.heading')].map((heading) => {
    const { fontSize, color } = getComputedStyle(heading)
    return `${fontSize} ${color}`
  })
}

/** Returns the elements that are invisible or look like the text around them. */
export function findInvisible(message: Element): string[] {
  return [...message.querySelectorAll<HTMLElement>('*')]
    .filter((element) => !element.matches('br') && !isVisible(element))
    .map((element) => element.outerHTML)
}

function isVisible(element: HTMLElement): boolean {
  const style = getComputedStyle(element)
  const around = getComputedStyle(element.parentElement ?? element)
  const { width, height } = element.getBoundingClientRect()
  if (element.textContent?.trim() && contrast(style.color, element) < 4.5) return false
  switch (element.localName) {
    case 'em':
      return style.fontStyle !== around.fontStyle
    case 'strong':
      return (
        Number(style.fontWeight) > Number(around.fontWeight) ||
        element.parentElement?.localName === 'strong'
      )
    case 'del':
      return style.textDecorationLine.includes('line-through')
    case 'a':
      return style.textDecorationLine.includes('underline') && width > 0
    case 'code':
      return style.fontFamily !== getComputedStyle(document.body).fontFamily && width > 0
    case 'blockquote':
      return height > 10 && contrast(style.borderInlineStartColor, element) >= 3
    case 'hr':
      return width >= 10 && height >= 1 && contrast(style.borderBlockStartColor, element) >= 3
    case 'th':
    case 'td':
      return height > 5 && contrast(style.borderBlockEndColor, element) >= 3
    case 'li':
      return (
        height > 10 && (style.listStyleType !== 'none' || element.querySelector('input') !== null)
      )
    case 'input':
      return width > 10 && height > 10
    default:
      return !element.matches('p, figure') || height > 10
  }
}

function contrast(color: string, element: Element): number {
  const layers: string[] = []
  for (let at: Element | null = element.parentElement; at; at = at.parentElement)
    layers.unshift(getComputedStyle(at).backgroundColor)
  const [lighter = 0, darker = 0] = [luminance([...layers, color]), luminance(layers)].sort(
    (a, b) => b - a,
  )
  return (lighter + 0.05) / (darker + 0.05)
}

const luminances = new Map<string, number>()
const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })

function luminance(layers: string[]): number {
  const key = layers.join()
  const known = luminances.get(key)
  if (known !== undefined) return known
  if (!canvas) throw new Error('There is no canvas')
  for (const layer of layers) {
    canvas.fillStyle = layer
    canvas.fillRect(0, 0, 1, 1)
  }
  const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  const value = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  luminances.set(key, value)
  return value
}

/** Returns the texts whose left or right end cannot be scrolled into view. */
export function findUnreachable(message: Element): string[] {
  const texts: string[] = []
  const walker = document.createTreeWalker(message, NodeFilter.SHOW_TEXT)
  while (walker.nextNode())
    if (!isReachable(walker.currentNode)) texts.push(walker.currentNode.textContent ?? '')
  return texts
}

function isReachable(node: Node): boolean {
  if (!node.textContent?.trim()) return true
  const range = document.createRange()
  range.selectNodeContents(node)
  const rects = [...range.getClientRects()].filter(({ width }) => width > 0)
  const frame = scrollAreaOf(node.parentElement)
  const area = (frame ?? document.documentElement).getBoundingClientRect()
  const scrolled = frame ? frame.scrollWidth - frame.clientWidth : 0
  return (
    rects.length > 0 &&
    rects.every(
      ({ left, right }) => left >= area.left - scrolled - 1 && right <= area.right + scrolled + 1,
    )
  )
}

function scrollAreaOf(element: Element | null): Element | undefined {
  for (let at = element; at && at !== document.body; at = at.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)) return at
  return undefined
}
