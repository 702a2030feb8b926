import './theme/tokens.css'
import './theme/base.css'
import { render } from 'solid-js/web'
import { App } from './app/App.tsx'
import { hideCompositionKeys } from './ui/hideCompositionKeys.ts'

hideCompositionKeys()

const root = document.querySelector('#app')
if (root) render(() => <App />, root)
