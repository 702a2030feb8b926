import { createResource, createSignal, type JSX, onCleanup, useContext } from 'solid-js'
import { CopyTextContext } from './copy.ts'
import { type CodePart, highlight } from './highlight.ts'
import { TextWordsContext } from './words.ts'

const copiedMs = 2_000

/** Code, in colours as soon as they are there, and a button that takes it along. */
export function CodeBlock(props: { text: string; language?: string | undefined }) {
  const words = useContext(TextWordsContext)
  const copyText = useContext(CopyTextContext)
  const [isCopied, setIsCopied] = createSignal(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  onCleanup(() => clearTimeout(timer))

  const [parts] = createResource(
    () => ({ text: props.text, language: props.language }),
    // Where the colours cannot be loaded, code has none.
    async ({ text, language }) =>
      language ? highlight(text, language).catch(() => undefined) : undefined,
  )
  // Read only when it is there, so that nothing around this waits for it.
  const shown = () => (parts.state === 'ready' ? parts.latest : undefined) ?? [props.text]

  async function copy() {
    if (!(await copyText(props.text))) return
    setIsCopied(true)
    clearTimeout(timer)
    timer = setTimeout(() => setIsCopied(false), copiedMs)
  }

  return (
    <figure class="code-block" aria-label={words().code(props.language ?? '')}>
      <figcaption class="code-head">
        <span class="code-language">{props.language}</span>
        <button type="button" class="code-copy" onClick={copy}>
          <span aria-live="polite">{isCopied() ? words().copied : words().copy}</span>
        </button>
      </figcaption>
      {/* Wide code is moved sideways, also without a mouse. */}
      <pre class="code-body" dir="ltr" tabindex="0">
        <code>{partsOf(shown())}</code>
      </pre>
    </figure>
  )
}

function partsOf(parts: CodePart[]): JSX.Element {
  return parts.map((part) =>
    typeof part === 'string' ? part : <span class={part.className}>{partsOf(part.parts)}</span>,
  )
}
