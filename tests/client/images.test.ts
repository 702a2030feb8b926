import { describe, expect, it } from 'vitest'
import { createRoom, message, typeMessage, useClientFixture } from '../support/client-fixture.ts'

const fixture = useClientFixture()

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

describe('images in messages', { timeout: 60_000 }, () => {
  it('are each fetched only after a click on “Load image”', async () => {
    const { page, problems } = await fixture.open('alice')
    const requests: { url: string; referer: string | undefined }[] = []
    await page.context().route('https://*.example/**', async (route) => {
      const { referer } = await route.request().allHeaders()
      requests.push({ url: route.request().url(), referer })
      await route.fulfill({ contentType: 'image/png', body: pixel })
    })
    await createRoom(page, 'private')
    await typeMessage(page, 'Look: ![a cat](https://one.example/cat.png)')
    await typeMessage(
      page,
      'And: ![a dog](https://two.example/dog.png) ![plain](http://three.example/x.png)',
    )
    await message(page, 'plain').waitFor()
    await page.reload()
    await message(page, 'a cat').getByRole('link', { name: 'Image: one.example' }).waitFor()
    expect(requests).toEqual([])

    await message(page, 'a cat').getByRole('button', { name: 'Load image' }).click()

    const image = page.getByRole('img', { name: 'a cat' })
    await expect
      .poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth))
      .toBe(1)
    expect(requests).toEqual([{ url: 'https://one.example/cat.png', referer: undefined }])
    await expect
      .poll(() => message(page, 'plain').getByRole('button', { name: 'Load image' }).count())
      .toBe(1)
    expect(problems).toEqual([])
    await page.context().close()
  })

  it('become links again and show an error if they cannot be loaded', async () => {
    const { page } = await fixture.open('alice')
    await page.context().route('https://*.example/**', (route) => route.abort())
    await createRoom(page, 'private')
    await typeMessage(page, '![a cat](https://one.example/cat.png)')
    await message(page, 'a cat').getByRole('button', { name: 'Load image' }).click()

    await message(page, 'a cat').getByText('Couldn’t load this image.').waitFor()
    await message(page, 'a cat').getByRole('link', { name: 'Image: one.example' }).waitFor()
    await page.context().close()
  })
})
