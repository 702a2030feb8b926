import { createSignal, onCleanup } from 'solid-js'

/** The day is checked at this interval: a timer until midnight would stop while the device sleeps. */
const checkMs = 60_000

const readDay = () => new Date().toDateString()
const [today, setToday] = createSignal(readDay())
const checkDay = () => void setToday(readDay())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

export function createToday(): () => string {
  if (users++ === 0) {
    checkDay()
    timer = setInterval(checkDay, checkMs)
    document.addEventListener('visibilitychange', checkDay)
  }
  onCleanup(() => {
    if (--users > 0) return
    clearInterval(timer)
    document.removeEventListener('visibilitychange', checkDay)
  })
  return today
}
