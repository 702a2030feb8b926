import './text.css'
import { createMemo, type JSX, Show, useContext } from 'solid-js'
import { Dynamic } from 'solid-js/web'
import type { UserId } from '#schema/ids'
import { isGroupName } from '#schema/text/group-names'
import { CodeBlock } from './CodeBlock.tsx'
import { directionOf } from './direction.ts'
import { isEmojiOnly } from './emoji.ts'
import { resolveMention } from './mention.ts'
import { parseMessage } from './parse.ts'
import { RemoteImage } from './RemoteImage.tsx'
import type { Block, Inline, ListItem } from './tree.ts'
import { TextWordsContext } from './words.ts'

export interface MessageTextProps {
  text: string
  blocks?: Block[] | undefined
  /** The mentions that the server has resolved. Other names after `@` are plain text. */
  mentions: readonly UserId[]
  me: UserId
  names: (user: UserId) => string
  /**
   * Returns the handle of a user. Without this function, a mention by a handle that is not the user
   * id is plain text.
   */
  handles?: ((user: UserId) => string) | undefined
  onMention?: ((user: UserId, element: HTMLElement) => void) | undefined
}

/** Renders the parsed tree, without injecting HTML. */
export function MessageText(props: MessageTextProps) {
  const blocks = createMemo(() => props.blocks ?? parseMessage(props.text))
  return (
    <div class="message-text" classList={{ 'is-emoji': isEmojiOnly(props.text) }}>
      {renderBlocks(blocks(), props)}
    </div>
  )
}

function renderBlocks(blocks: Block[], props: MessageTextProps): JSX.Element {
  return blocks.map((block) => renderBlock(block, props))
}

/** Each block has its own text direction, so that an Arabic line does not affect the next line. */
function renderBlock(block: Block, props: MessageTextProps): JSX.Element {
  switch (block.kind) {
    case 'paragraph':
      return <p dir="auto">{renderInlines(block.children, props)}</p>
    case 'heading':
      return (
        <Dynamic
          component={`h${Math.min(block.level + 2, 6)}`}
          class={`heading level-${block.level}`}
          dir="auto"
        >
          {renderInlines(block.children, props)}
        </Dynamic>
      )
    case 'quote':
      return (
        <blockquote dir={directionOf(block.children)}>
          {renderBlocks(block.children, props)}
        </blockquote>
      )
    case 'list':
      return renderList(block, props)
    case 'code':
      return <CodeBlock text={block.text} info={block.info} language={block.language} />
    case 'table':
      return renderTable(block, props)
    case 'rule':
      return <hr />
  }
}

function renderList({ isOrdered, items }: Block & { kind: 'list' }, props: MessageTextProps) {
  const shown = items.map((item) => renderItem(item, props))
  const direction = directionOf(items.flatMap(({ children }) => children))
  if (!isOrdered) return <ul dir={direction}>{shown}</ul>
  // The indent must be as wide as the longest number: otherwise, the number would be cut off.
  const width = Math.max(...items.map(({ marker }) => marker?.length ?? 0))
  return (
    <ol dir={direction} style={{ 'padding-inline-start': `calc(${width}ch + 0.5em)` }}>
      {shown}
    </ol>
  )
}

function renderItem({ marker, isDone, children }: ListItem, props: MessageTextProps) {
  const words = useContext(TextWordsContext)
  return (
    <li
      classList={{ task: isDone !== undefined }}
      style={{ 'list-style-type': marker && `"${marker} "` }}
    >
      <Show when={isDone !== undefined}>
        <input
          type="checkbox"
          disabled
          checked={isDone === true}
          aria-label={isDone ? words().done : words().toDo}
        />
      </Show>
      {renderBlocks(children, props)}
    </li>
  )
}

function renderTable(table: Block & { kind: 'table' }, props: MessageTextProps) {
  const alignOf = (column: number) => `align-${table.aligns[column] ?? 'start'}`
  return (
    <div class="table-frame" tabindex="0">
      <table dir="auto">
        <thead>
          <tr>
            {table.header.map((cell, column) => (
              <th scope="col" class={alignOf(column)}>
                {renderInlines(cell, props)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr>
              {row.map((cell, column) => (
                <td class={alignOf(column)}>{renderInlines(cell, props)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function renderInlines(nodes: Inline[], props: MessageTextProps): JSX.Element {
  return nodes.map((node) => renderInline(node, props))
}

function renderInline(node: Inline, props: MessageTextProps): JSX.Element {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'break':
      return <br />
    case 'emphasis':
      return <em>{renderInlines(node.children, props)}</em>
    case 'strong':
      return <strong>{renderInlines(node.children, props)}</strong>
    case 'deleted':
      return <del>{renderInlines(node.children, props)}</del>
    case 'code':
      return <code dir="ltr">{node.text}</code>
    case 'link':
      return renderLink(node, props)
    case 'image':
      return <RemoteImage {...node} />
    case 'mention':
      return <Mention name={node.name} message={props} />
  }
}

function renderLink(link: Inline & { kind: 'link' }, props: MessageTextProps) {
  return (
    <>
      <a href={link.href} target="_blank" rel="noopener noreferrer nofollow" data-tip={link.title}>
        <bdi>{renderInlines(link.children, props)}</bdi>
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

function Mention(props: { name: string; message: MessageTextProps }) {
  const mention = createMemo(() =>
    resolveMention(props.name, props.message.mentions, props.message.handles),
  )
  return (
    <Show when={mention()} fallback={`@${props.name}`}>
      {(found) => (
        <>
          <Show
            when={!isGroupName(found().target)}
            fallback={<span class="mention mention-me">@{found().target}</span>}
          >
            <UserMention user={found().target} message={props.message} />
          </Show>
          {found().rest}
        </>
      )}
    </Show>
  )
}

/** Display names are not unique, so the tooltip shows the user id. */
function UserMention(props: { user: UserId; message: MessageTextProps }) {
  const classes = () => ({ 'mention-me': props.user === props.message.me })
  const name = () => (
    <>
      @<bdi>{props.message.names(props.user)}</bdi>
    </>
  )
  return (
    <Show
      when={props.message.onMention}
      fallback={
        <span class="mention" classList={classes()} data-tip={`@${props.user}`}>
          {name()}
        </span>
      }
    >
      {(onMention) => (
        <button
          type="button"
          class="mention"
          classList={classes()}
          data-tip={`@${props.user}`}
          onClick={({ currentTarget }) => onMention()(props.user, currentTarget)}
        >
          {name()}
        </button>
      )}
    </Show>
  )
}
