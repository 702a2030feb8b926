import { createResource, createSignal, type JSX, onCleanup, useContext } from 'solid-js'
import { CopyTextContext } from './copy.ts'
import { type CodePart, highlight } from './highlight.ts'
import { TextWordsContext } from './words.ts'

const copiedMs = 2_000

export function CodeBlock(props: {
  text: string
  info?: string | undefined
  language?: string | undefined
}) {
  const words = useContext(TextWordsContext)
  const copyText = useContext(CopyTextContext)
  const [isCopied, setIsCopied] = createSignal(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  onCleanup(() => clearTimeout(timer))

  const [parts] = createResource(
    () => ({ text: props.text, language: props.language }),
    async ({ text, language }) =>
      language ? highlight(text, language).catch(() => undefined) : undefined,
  )
  // Shows the plain code until it is highlighted: reading the pending resource would suspend the
  // whole message.
  const shown = () => (parts.state === 'ready' ? parts.latest : undefined) ?? [props.text]

  async function copy() {
    if (!(await copyText(props.text))) return
    setIsCopied(true)
    clearTimeout(timer)
    timer = setTimeout(() => setIsCopied(false), copiedMs)
  }

  return (
    <figure class="code-block" aria-label={words().code(props.info ?? '')}>
      <figcaption class="code-head">
        <span class="code-language">{props.info}</span>
        <button type="button" class="code-copy" onClick={copy}>
          <span aria-live="polite">{isCopied() ? words().copied : words().copy}</span>
        </button>
      </figcaption>
      {/* Focusable, so that wide code can be scrolled by keyboard. */}
      <pre class="code-body" dir="ltr" tabindex="0">
        <code>{renderParts(shown())}</code>
      </pre>
    </figure>
  )
}

function renderParts(parts: CodePart[]): JSX.Element {
  return parts.map((part) =>
    typeof part === 'string' ? part : <span class={part.className}>{renderParts(part.parts)}</span>,
  )
}
