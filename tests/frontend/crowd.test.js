// More servers than a browser opens connections for (Chromium 255, Firefox 200 of a page): what it really holds, and what is said of the rest.

import assert from 'node:assert/strict'
import { configFile, eventually, until } from './lib/browser.js'
import { scene } from './lib/scene.js'

const many = (n, ...down) => configFile([[...Array.from({ length: n }, (_, s) => ({ id: `s${s}`, host: '', interval: 3600 })), ...down.map((host) => ({ id: 'down', host }))]])
const phases = (page) => page.evaluate(() => [...document.querySelectorAll('rt-server')].map(({ server }) => server.phase))

scene('200 servers: the browser holds them all, and one that is down is not taken for one too many', { files: many(200, '127.0.0.1:1'), pace: 86_400_000 }, async (page, server) => {
  await until(page, () => [...document.querySelectorAll('rt-server')].filter(({ server }) => server.phase === 'waiting').length === 200)
  assert.equal(server.sessions.size, 200)
  await until(page, () => [...document.querySelectorAll('rt-server')].at(-1).server.phase === 'unreachable')
})

scene('280 servers: those that the browser refuses say so, and the page stays alive', { files: many(280), pace: 86_400_000 }, async (page, server) => {
  const counted = async () => {
    const found = await phases(page)
    return ['waiting', 'crowd'].map((phase) => found.filter((one) => one === phase).length)
  }
  await eventually(async () => {
    const [held, refused] = await counted()
    return held + refused >= 275 && server.sessions.size === held
  })
  const [held, refused] = await counted()
  console.log(`# of 280 servers Chromium holds ${held}; of the others ${refused} say so now, the rest tries again`)
  assert.ok(held >= 200 && held <= 255, String(held))
  const found = await phases(page)
  const place = found.indexOf('crowd')
  await page.locator('rt-server').nth(place).scrollIntoViewIfNeeded()
  await until(page, (at) => /Too many connections[\s\S]*The browser gives no more than \d+ connections/.test(document.querySelectorAll('rt-server')[at].innerText), place)
  // It still answers the hand.
  await page.keyboard.press('/')
  await page.keyboard.type('s27')
  await until(page, () => document.querySelectorAll('.cell:not([hidden])').length === 11)
})
