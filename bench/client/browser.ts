import { type Browser, chromium } from 'playwright-core'
import { findChromium } from '../../stack/install/chromium.ts'

export const viewport = { width: 1280, height: 800 }

/** Has scrollbars to drag, and a wheel that scrolls at once and as far as it says. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium({ log: console.error }),
    ignoreDefaultArgs: ['--hide-scrollbars'],
    args: [
      '--disable-smooth-scrolling',
      '--disable-features=OverlayScrollbar,FluentOverlayScrollbar',
      // Chromium as root runs without its sandbox or not at all.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })
}
