import type { JSX } from 'solid-js'
import { useApp } from './create-app.ts'

/** The whole of an app: its title with buttons beside it, the failure of the last action, and the content. */
export function Page(props: { title: string; tools?: JSX.Element; children: JSX.Element }) {
  const app = useApp()
  return (
    <main>
      <div class="top">
        <h1>{props.title}</h1>
        {props.tools}
      </div>
      <p role="alert">{app.problem()}</p>
      {props.children}
    </main>
  )
}
