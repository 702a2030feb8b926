import type { Browser, Page } from 'playwright-core'

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  dur?: number
  tdur?: number
  args: { name?: string }
}

export async function longestTask(browser: Browser, page: Page, act: () => Promise<void>) {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  await page.evaluate(() => window.bench?.resetTasks())
  await act()
  const observed = await page.evaluate(() => window.bench?.longestTask() ?? Number.NaN)
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[]
  }
  const mainThreads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  )
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) =>
      ph === 'X' && name.endsWith('RunTask') && mainThreads.has(`${pid} ${tid}`),
  )
  if (tasks.length === 0) throw new Error('The trace contains no task of the page')
  const longest = (figure: 'dur' | 'tdur') =>
    Math.max(...tasks.map((task) => task[figure] ?? 0)) / 1_000
  // The trace may lack a task that the PerformanceObserver has reported, so the longer of the two
  // durations counts.
  return { longest: Math.max(longest('dur'), observed), cpu: longest('tdur') }
}
