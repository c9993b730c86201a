// The strips: five minutes held, read, frozen, scrubbed.

import assert from 'node:assert/strict'
import { state, until } from './lib/browser.js'
import { scene, settled } from './lib/scene.js'

scene('freeze and scrub: the past stays, nothing that arrives is lost', { change: (push, n) => ({ ...push, meminfo: { memory: { total: 1000, used: n, free: 1000 - n, buffers: 0, cached: 0 }, swap: {} }, mem: undefined }) }, async (page) => {
  await until(page, () => document.querySelector('rt-server')?.server.history.length > 8)
  await until(page, () => document.querySelector('rt-strips').innerText.includes('queue'))
  await page.keyboard.press('f')
  await state(page, 'frozen')
  const held = await page.locator('rt-strips').innerText()
  const count = await page.evaluate(() => document.querySelector('rt-server').server.history.count)
  await until(page, (before) => document.querySelector('rt-server').server.history.count > before + 5, count)
  assert.equal(await page.locator('rt-strips').innerText(), held)
  await page.getByLabel(/Instant shown/).fill('-1')
  await until(page, (before) => document.querySelector('rt-strips').innerText !== before, held)
  await page.getByRole('button', { name: 'Go live' }).last().click()
  await state(page, 'live')
})

scene('hover and arrow keys read an instant on all strips', {}, async (page) => {
  await settled(page)
  await until(page, () => document.querySelector('rt-server').server.history.length > 10)
  const plot = page.getByRole('slider', { name: /history/i })
  await plot.focus()
  for (let n = 0; n < 2; n++) await page.keyboard.press('ArrowLeft')
  await until(page, () => /\d\d:\d\d:\d\d, \d+ s ago: CPU/.test(document.querySelector('.plot').getAttribute('aria-valuetext')))
  await page.locator('.needle').waitFor()
  await page.keyboard.press('Escape')
  await until(page, () => document.querySelector('.needle').hidden)
  const box = await plot.boundingBox()
  await page.mouse.move(box.x + box.width - 4, box.y + 10)
  await until(page, () => !document.querySelector('.needle').hidden)
})
