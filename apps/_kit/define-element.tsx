import type { JSX } from 'solid-js'
import { render } from 'solid-js/web'
import type { AppBridge, AppElement } from '#schema/app-bridge'
import { type AnyApp, AppContext, createApp } from './create-app.ts'
import kitCss from './kit.css?inline'
import type { Languages } from './texts.ts'

interface Component<App extends AnyApp> {
  words: Languages<App['words']>
  css?: string
  view: () => JSX.Element
}

/** Defines the custom element `room-app-{id}`, which renders `view` and provides the app to `useApp`. */
export function defineElement<App extends AnyApp>(
  id: string,
  { words, css = '', view: View }: Component<App>,
): void {
  customElements.define(
    `room-app-${id}`,
    class extends HTMLElement implements AppElement {
      setBridge(bridge: AppBridge) {
        const sheet = new CSSStyleSheet()
        sheet.replaceSync(kitCss + css)
        document.adoptedStyleSheets.push(sheet)
        const withApp = () => (
          <AppContext.Provider value={createApp(bridge, words)}>
            <View />
          </AppContext.Provider>
        )
        render(withApp, this)
      }
    },
  )
}
