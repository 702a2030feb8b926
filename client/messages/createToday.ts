import { createSignal, onCleanup } from 'solid-js'

/** So often somebody looks at the calendar: a device that slept over midnight has waited for nothing. */
const lookMs = 60_000

const readDay = () => new Date().toDateString()
const [today, setToday] = createSignal(readDay())
const look = () => void setToday(readDay())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The day it is, for as long as somebody wants to know. */
export function createToday(): () => string {
  if (users++ === 0) {
    look()
    timer = setInterval(look, lookMs)
    document.addEventListener('visibilitychange', look)
  }
  onCleanup(() => {
    if (--users > 0) return
    clearInterval(timer)
    document.removeEventListener('visibilitychange', look)
  })
  return today
}
