// More servers than a browser opens connections for (Chromium 255, Firefox 200 of a page): what it really holds, and what is said of the rest.

import assert from 'node:assert/strict'
import { configFile, until } from './lib/browser.js'
import { scene } from './lib/scene.js'

const many = (n) => configFile([Array.from({ length: n }, (_, s) => ({ id: `s${s}`, host: '', interval: 3600 }))])
const phases = (page) => page.evaluate(() => [...document.querySelectorAll('rt-server')].map(({ server }) => server.phase))

scene('150 servers: the browser holds them all', { files: many(150), pace: 86_400_000 }, async (page, server) => {
  await until(page, () => [...document.querySelectorAll('rt-server')].filter(({ server }) => server.phase === 'waiting').length === 150)
  assert.equal(server.sessions.size, 150)
})

scene('280 servers: those that the browser refuses say so, and the page stays alive', { files: many(280), pace: 86_400_000 }, async (page, server) => {
  await until(page, () => [...document.querySelectorAll('rt-server')].filter(({ server }) => server.phase === 'crowd').length >= 10)
  const found = await phases(page)
  const [held, refused] = ['waiting', 'crowd'].map((phase) => found.filter((one) => one === phase).length)
  console.log(`# of 280 servers Chromium holds ${held}, refuses ${refused}; the server counts ${server.sessions.size}`)
  assert.ok(held >= 190 && held < 280, String(held))
  const place = found.indexOf('crowd')
  await page.locator('rt-server').nth(place).scrollIntoViewIfNeeded()
  await until(page, (at) => /Too many connections[\s\S]*This page holds \d+ connections, and the browser gives no more/.test(document.querySelectorAll('rt-server')[at].innerText), place)
  // It still answers the hand.
  await page.keyboard.press('/')
  await page.keyboard.type('s27')
  await until(page, () => document.querySelectorAll('.cell:not([hidden])').length === 11)
})
