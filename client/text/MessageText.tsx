import './text.css'
import { createMemo, type JSX, Show, useContext } from 'solid-js'
import type { UserId } from '#schema/ids'
import { CodeBlock } from './CodeBlock.tsx'
import { directionOf } from './direction.ts'
import { isEmojiOnly } from './emoji.ts'
import { parseMessage } from './parse.ts'
import { RemoteImage } from './RemoteImage.tsx'
import type { Block, Inline, ListItem } from './tree.ts'
import { TextWordsContext } from './words.ts'

export interface MessageTextProps {
  text: string
  /** Whom the server found in it; other names are text. Everybody named, if it is left out. */
  mentions?: readonly UserId[] | undefined
  me: UserId
  names: (user: UserId) => string
  /** Somebody's name was pressed. Without this, names are nothing to press. */
  onMention?: ((user: UserId, element: HTMLElement) => void) | undefined
}

/** What somebody wrote. Every element is made here, from what the parser found: nothing is HTML. */
export function MessageText(props: MessageTextProps) {
  const blocks = createMemo(() => parseMessage(props.text))
  return (
    <div class="message-text" classList={{ 'is-emoji': isEmojiOnly(props.text) }}>
      {showBlocks(blocks(), props)}
    </div>
  )
}

function showBlocks(blocks: Block[], props: MessageTextProps): JSX.Element {
  return blocks.map((block) => showBlock(block, props))
}

/** Each finds its own direction, so that a line in Arabic does not turn the next one around. */
function showBlock(block: Block, props: MessageTextProps): JSX.Element {
  switch (block.kind) {
    case 'paragraph':
      return <p dir="auto">{showInlines(block.children, props)}</p>
    case 'heading':
      return (
        <p class="heading" dir="auto">
          <strong>{showInlines(block.children, props)}</strong>
        </p>
      )
    case 'quote':
      return (
        <blockquote dir={directionOf(block.children)}>
          {showBlocks(block.children, props)}
        </blockquote>
      )
    case 'list':
      return showList(block, props)
    case 'code':
      return <CodeBlock text={block.text} language={block.language} />
    case 'table':
      return showTable(block, props)
    case 'rule':
      return <hr />
  }
}

function showList({ start, items }: Block & { kind: 'list' }, props: MessageTextProps) {
  const shown = items.map((item) => showItem(item, props))
  const direction = directionOf(items.flatMap(({ children }) => children))
  if (start === undefined) return <ul dir={direction}>{shown}</ul>
  return (
    <ol dir={direction} start={start}>
      {shown}
    </ol>
  )
}

function showItem({ isDone, children }: ListItem, props: MessageTextProps) {
  const words = useContext(TextWordsContext)
  return (
    <li classList={{ task: isDone !== undefined }}>
      <Show when={isDone !== undefined}>
        <input
          type="checkbox"
          disabled
          checked={isDone === true}
          aria-label={isDone ? words().done : words().open}
        />
      </Show>
      {showBlocks(children, props)}
    </li>
  )
}

function showTable(table: Block & { kind: 'table' }, props: MessageTextProps) {
  const alignOf = (column: number) => `align-${table.aligns[column] ?? 'start'}`
  return (
    <div class="table-frame" tabindex="0">
      <table dir="auto">
        <thead>
          <tr>
            {table.header.map((cell, column) => (
              <th scope="col" class={alignOf(column)}>
                {showInlines(cell, props)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr>
              {row.map((cell, column) => (
                <td class={alignOf(column)}>{showInlines(cell, props)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function showInlines(nodes: Inline[], props: MessageTextProps): JSX.Element {
  return nodes.map((node) => showInline(node, props))
}

function showInline(node: Inline, props: MessageTextProps): JSX.Element {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'break':
      return <br />
    case 'emphasis':
      return <em>{showInlines(node.children, props)}</em>
    case 'strong':
      return <strong>{showInlines(node.children, props)}</strong>
    case 'deleted':
      return <del>{showInlines(node.children, props)}</del>
    case 'code':
      return <code dir="ltr">{node.text}</code>
    case 'link':
      return showLink(node, props)
    case 'image':
      return <RemoteImage href={node.href} host={node.host} description={node.description} />
    case 'mention':
      return <Mention user={node.user} in={props} />
  }
}

function showLink(link: Inline & { kind: 'link' }, props: MessageTextProps) {
  return (
    <>
      <a href={link.href} target="_blank" rel="noopener noreferrer nofollow">
        <bdi>{showInlines(link.children, props)}</bdi>
      </a>
      <Show when={link.host}>
        {(host) => (
          <>
            {' '}
            <span class="link-host" dir="ltr">
              ({host()})
            </span>
          </>
        )}
      </Show>
    </>
  )
}

/** Whoever is meant can be told by their id, whatever they call themselves. */
function Mention(props: { user: UserId; in: MessageTextProps }) {
  const isMeant = () => props.in.mentions?.includes(props.user) ?? true
  const classes = () => ({ 'mention-me': props.user === props.in.me })
  const name = () => (
    <>
      @<bdi>{props.in.names(props.user)}</bdi>
    </>
  )
  return (
    <Show when={isMeant()} fallback={`@${props.user}`}>
      <Show
        when={props.in.onMention}
        fallback={
          <span class="mention" classList={classes()} data-tip={`@${props.user}`}>
            {name()}
          </span>
        }
      >
        {(tell) => (
          <button
            type="button"
            class="mention"
            classList={classes()}
            data-tip={`@${props.user}`}
            onClick={({ currentTarget }) => tell()(props.user, currentTarget)}
          >
            {name()}
          </button>
        )}
      </Show>
    </Show>
  )
}
