import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'

const folder = join(import.meta.dirname, '..', '..', '..', 'client', 'public')

export async function drawIcons(browser: Browser): Promise<void> {
  const icon = await readFile(join(folder, 'icon.svg'), 'utf8')
  // A system crops a maskable icon to any shape: only the inner 80 % are always visible.
  const maskable = icon
    .replace(/ rx="\d+"/, '')
    .replace(
      /(<rect[^>]*>)([\s\S]*)(<\/svg>)/,
      '$1<g transform="translate(5.6 5.6) scale(.8)">$2</g>$3',
    )
  await draw(browser, icon, 192, '192.png')
  await draw(browser, icon, 512, '512.png')
  await draw(browser, maskable, 512, 'maskable.png')
}

async function draw(browser: Browser, svg: string, size: number, name: string) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`)
  await page.screenshot({ path: join(folder, 'icons', name), omitBackground: true })
  await page.close()
}
