import { For, type JSX } from 'solid-js'
import { useApp } from '#app'
import type { WhiteboardApp } from './app.ts'
import type { Pen } from './pen.ts'

const colors = ['colorText', 'colorAccent', 'colorRed', 'colorGreen', 'colorAmber'] as const
const widths = [
  ['thin', 8],
  ['medium', 16],
  ['thick', 32],
] as const

export interface Tools extends Pen {
  isErasing: boolean
}

/** Lets the user choose a tool. The choice of a colour or a width also selects the pen. */
export function Toolbar(props: {
  tools: Tools
  onChange: (tools: Tools) => void
  children: JSX.Element
}) {
  const { t } = useApp<WhiteboardApp>()
  const choose = (change: Partial<Tools>) =>
    props.onChange({ ...props.tools, isErasing: false, ...change })
  return (
    <fieldset class="tools" aria-label={t('tools')}>
      <Toggle isOn={!props.tools.isErasing} onClick={() => choose({})} label={t('pen')}>
        {t('pen')}
      </Toggle>
      <Toggle
        isOn={props.tools.isErasing}
        onClick={() => choose({ isErasing: true })}
        label={t('eraser')}
      >
        {t('eraser')}
      </Toggle>
      <fieldset class="choices" aria-label={t('color')}>
        <For each={colors}>
          {(name, color) => (
            <Toggle
              isOn={props.tools.color === color()}
              onClick={() => choose({ color: color() })}
              label={t(name)}
            >
              <span class={`dot ink-${color()}`} />
            </Toggle>
          )}
        </For>
      </fieldset>
      <fieldset class="choices" aria-label={t('width')}>
        <For each={widths}>
          {([name, width]) => (
            <Toggle
              isOn={props.tools.width === width}
              onClick={() => choose({ width })}
              label={t(name)}
            >
              <span class={`line-${name}`} />
            </Toggle>
          )}
        </For>
      </fieldset>
      {props.children}
    </fieldset>
  )
}

function Toggle(props: {
  isOn: boolean
  label: string
  onClick: () => void
  children: JSX.Element
}) {
  return (
    <button
      type="button"
      aria-pressed={props.isOn}
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  )
}
