import { type Browser, chromium } from 'playwright-core'
import { findChromium } from '../../stack/install/chromium.ts'

export const viewport = { width: 1280, height: 800 }

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium({ log: console.error }),
    ignoreDefaultArgs: ['--hide-scrollbars'],
    args: [
      '--disable-smooth-scrolling',
      '--disable-features=OverlayScrollbar,FluentOverlayScrollbar',
      // Chromium refuses to run as root with its sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })
}
