import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { useClientFixture } from '../support/client-fixture.ts'
import { canDrive, type DrivenBrowser, startDrivenBrowser } from '../support/driven-browser.ts'
import { logInToRoom, waitForElement } from '../support/driven-login.ts'
import { type HostileFixture, startHostileApp } from '../support/hostile-fixture.ts'

let hostile: HostileFixture

const fixture = useClientFixture({ env: { RATE_LIMIT_FACTOR: '100' } })

beforeAll(async () => {
  hostile = await startHostileApp(fixture, await fixture.connect('alice'))
}, 120_000)
afterAll(() => hostile?.[Symbol.asyncDispose]())

const browsers = [
  { name: 'Firefox', isSkipped: !(await canDrive('Firefox')) },
  { name: 'WebKitGTK', isSkipped: !(await canDrive('WebKitGTK')) },
] as const

describe.each(browsers)('in $name', { timeout: 120_000 }, ({ name, isSkipped }) => {
  if (isSkipped) return it.skip('apps are not tested, because the browser cannot be installed here')
  let browser: DrivenBrowser

  beforeAll(async () => {
    browser = await startDrivenBrowser(name)
    await logInToRoom(browser, `${fixture.urls.web}/r/${await hostile.createRoom('none')}`)
  }, 300_000)
  afterAll(() => browser?.[Symbol.asyncDispose]())

  /**
   * Opens the list of apps in a new room. When the hostile app is opened there, it makes the
   * attack with this name, and `report` resolves to the result that the app sends.
   */
  async function openRoom(attack: string) {
    const room = await hostile.createRoom(attack)
    await browser.run((path) => {
      history.pushState(null, '', path)
      dispatchEvent(new PopStateEvent('popstate'))
    }, `/r/${room}`)
    await waitForText(browser, 'h1', room.slice(-8))
    await click(browser, '.room-head button', 'Room options')
    await click(browser, '[role=menuitem]', 'Apps')
    await waitForElement(browser, '.app-row')
    return { report: hostile.nextReport(room) }
  }

  async function attack(attackName: string) {
    const opened = await openRoom(attackName)
    await click(browser, '.app-row button', 'Open Hostile')
    return opened
  }

  const waitForEnd = () => waitForElement(browser, '.app [role=alert]').then(() => 'ended')

  async function expectUsable() {
    await click(browser, '.panel button', 'All apps')
    await click(browser, '.app-row button', 'Open Poll')
    await waitForElement(browser, '.app.is-ready iframe')
  }

  it('a poll can be created, voted on and closed', async () => {
    await openRoom('none')
    await click(browser, '.app-row button', 'Open Poll')
    await waitForElement(browser, '.app.is-ready iframe')
    const fill = (label: string, text: string) =>
      browser.runInFrame(
        ([wanted = '', value = '']) => {
          const labels = [...document.querySelectorAll('label')]
          const field = labels.find(({ textContent }) => textContent?.includes(wanted))?.control
          if (!(field instanceof HTMLInputElement)) return
          field.value = value
          field.dispatchEvent(new InputEvent('input', { bubbles: true }))
        },
        [label, text],
      )

    await clickInFrame(browser, 'button', 'Create poll')
    await fill('Question', 'Lunch?')
    await fill('Option 1', 'Pizza')
    await fill('Option 2', 'Soup')
    await clickInFrame(browser, 'button', 'Create poll')
    await clickInFrame(browser, 'label', 'Pizza')

    await waitForTextInFrame(browser, 'body', '1 person voted')
    await clickInFrame(browser, 'button', 'Close poll')
    await waitForTextInFrame(browser, 'body', 'Closed')
  })

  it('a hostile app reaches neither the page, nor storage, nor the network', async () => {
    const { report } = await attack('escape')

    expect(await Promise.race([report, waitForEnd()])).toEqual({ finished: 'yes' })
    await expectUsable()
    expect(hostile.received()).toMatchObject({ packets: 0, requests: 0 })
  })

  it.each(['flood', 'large', 'page', 'history'])(
    'a hostile app is closed after the attack %s, and the room remains usable',
    async (attackName) => {
      await attack(attackName)

      await waitForEnd()

      expect(await browser.run(() => document.querySelectorAll('iframe').length)).toBe(0)
      await expectUsable()
    },
  )

  it.each(['navigate', 'form'])(
    'a hostile app sends no request by the attack %s, and the room remains usable',
    async (attackName) => {
      const { report } = await attack(attackName)

      // Either the app reports that the browser ignored its attempt, or the page closed the app.
      expect([{ navigated: 'no' }, 'ended']).toContainEqual(
        await Promise.race([report, waitForEnd()]),
      )

      expect(hostile.received()).toMatchObject({ packets: 0, requests: 0 })
      await expectUsable()
    },
  )

  it('a hostile app receives no text that is typed into the composer', async () => {
    const { report } = await openRoom('focus')
    // The menu of the room may return the focus to its button some time after it has closed. So the
    // test focuses the composer until it keeps the focus.
    const keepsFocus = () =>
      browser.run(() => {
        const composer = document.getElementById('composer')
        const isKept = document.activeElement === composer && !document.querySelector('[role=menu]')
        composer?.focus()
        return isKept
      })
    await vi.waitUntil(keepsFocus, { timeout: 10_000, interval: 300 })
    await click(browser, '.app-row button', 'Open Hostile')
    await Promise.race([waitForElement(browser, '.app.is-ready'), waitForEnd()])

    for (const key of 'my secret words') await browser.press(key)

    expect([{ typed: 'nothing' }, 'ended']).toContainEqual(
      await Promise.race([report, waitForEnd()]),
    )
    const text = await browser.run(
      () => document.querySelector<HTMLTextAreaElement>('#composer')?.value,
    )
    expect(text).toBe('my secret words')
  })

  // In these browsers, the frame of an app shares the process of its tab, so an endless loop in the
  // frame stops the tab. In WebKitGTK, all open tabs of the page share a process, so the test opens
  // another tab after the loop has begun. Firefox's automation cannot open a tab while another one
  // is stopped, so the test opens it before the loop.
  it(`an endless loop of a hostile app leaves ${name === 'Firefox' ? 'open' : 'new'} tabs usable`, async () => {
    const openTab = async () => {
      const { opened, before } = await browser.openTab()
      await browser.open(fixture.urls.web)
      return { opened, before }
    }
    await openRoom('loop')
    const tabs = name === 'Firefox' ? await openTab() : undefined
    if (tabs) await browser.useTab(tabs.before)
    await click(browser, '.app-row button', 'Open Hostile')
    await vi.waitUntil(() => isStopped(browser), { timeout: 30_000 })

    if (tabs) await browser.useTab(tabs.opened)
    else await openTab()

    const other = await hostile.createRoom('none')
    await click(browser, '.room-link', other.slice(-8))
    await waitForText(browser, 'h1', other.slice(-8))
  })
})

/** Clicks the first element that matches the selector and contains the text, once it exists. */
function click(browser: DrivenBrowser, selector: string, text: string) {
  return clickBy(browser.run, selector, text)
}

function clickInFrame(browser: DrivenBrowser, selector: string, text: string) {
  return clickBy(browser.runInFrame, selector, text)
}

function clickBy(run: DrivenBrowser['run'], selector: string, text: string) {
  const tryClick = () =>
    run(
      ([elements = '', wanted = '']) => {
        const found = [...document.querySelectorAll<HTMLElement>(elements)].find((element) =>
          `${element.getAttribute('aria-label')} ${element.textContent}`.includes(wanted),
        )
        // The menus of the page open on pointer events, not on `click`.
        found?.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }))
        found?.dispatchEvent(new PointerEvent('pointerup', { bubbles: true, button: 0 }))
        found?.click()
        return found !== undefined
      },
      [selector, text],
    )
  return vi.waitUntil(tryClick, { timeout: 30_000, interval: 100 })
}

function waitForText(browser: DrivenBrowser, selector: string, text: string) {
  return waitForTextBy(browser.run, selector, text)
}

function waitForTextInFrame(browser: DrivenBrowser, selector: string, text: string) {
  return waitForTextBy(browser.runInFrame, selector, text)
}

function waitForTextBy(run: DrivenBrowser['run'], selector: string, text: string) {
  const isShown = () =>
    run(
      ([elements = '', wanted = '']) =>
        [...document.querySelectorAll(elements)].some(({ textContent }) =>
          textContent?.includes(wanted),
        ),
      [selector, text],
    )
  return vi.waitUntil(isShown, { timeout: 30_000, interval: 100 })
}

/** Returns whether the page fails to answer within a second. */
function isStopped(browser: DrivenBrowser): Promise<boolean> {
  const answer = browser.run(() => false)
  answer.catch(() => undefined)
  return Promise.race([answer, new Promise<true>((resolve) => setTimeout(resolve, 1_000, true))])
}
