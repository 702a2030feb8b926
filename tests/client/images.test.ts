import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientFixture,
  createClientFixture,
  makeRoom,
  message,
  typeMessage,
} from '../support/client-fixture.ts'

let ground: ClientFixture

beforeAll(async () => {
  ground = await createClientFixture()
}, 120_000)
afterAll(() => ground?.[Symbol.asyncDispose]())

/** One pixel. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

describe('images of messages', { timeout: 60_000 }, () => {
  it('are fetched from nowhere before somebody asks for that one', async () => {
    const { page, problems } = await ground.open('alice')
    const asked: { url: string; referer: string | undefined }[] = []
    await page.context().route('https://*.example/**', async (route) => {
      const { referer } = await route.request().allHeaders()
      asked.push({ url: route.request().url(), referer })
      await route.fulfill({ contentType: 'image/png', body: pixel })
    })
    await makeRoom(page, 'private')
    await typeMessage(page, 'Look: ![a cat](https://one.example/cat.png)')
    await typeMessage(
      page,
      'And: ![a dog](https://two.example/dog.png) ![plain](http://three.example/x.png)',
    )
    await message(page, 'plain').waitFor()
    // In the list as it is drawn, and in the list as it is drawn again.
    await page.reload()
    await message(page, 'a cat').getByRole('link', { name: 'Image: one.example' }).waitFor()
    expect(asked).toEqual([])

    await message(page, 'a cat').getByRole('button', { name: 'Load image' }).click()

    const image = page.getByRole('img', { name: 'a cat' })
    await expect
      .poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth))
      .toBe(1)
    expect(asked).toEqual([{ url: 'https://one.example/cat.png', referer: undefined }])
    expect(await message(page, 'plain').getByRole('button', { name: 'Load image' }).count()).toBe(1)
    expect(problems).toEqual([])
    await page.context().close()
  })

  it('that cannot be loaded are links again, and it is said', async () => {
    const { page } = await ground.open('alice')
    await page.context().route('https://*.example/**', (route) => route.abort())
    await makeRoom(page, 'private')
    await typeMessage(page, '![a cat](https://one.example/cat.png)')
    await message(page, 'a cat').getByRole('button', { name: 'Load image' }).click()

    await message(page, 'a cat').getByText('Couldn’t load this image.').waitFor()
    await message(page, 'a cat').getByRole('link', { name: 'Image: one.example' }).waitFor()
    await page.context().close()
  })
})
