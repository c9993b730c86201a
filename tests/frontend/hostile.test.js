// Servers that mean harm.

import assert from 'node:assert/strict'
import { eventually, state, until } from './lib/browser.js'
import { fakeServer } from './lib/fake-server.js'
import { openAll, scene } from './lib/scene.js'

const EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>{{x}}'
scene('hostile: markup in every string stays text', { change: (push) => JSON.parse(JSON.stringify(push, (key, value) => (typeof value === 'string' ? EVIL : value)).replaceAll('"cpu0"', JSON.stringify(EVIL)).replaceAll('"queue"', JSON.stringify(EVIL))) }, async (page) => {
  await state(page, 'live')
  await openAll(page)
  await page.getByText('onerror=').first().waitFor()
  assert.equal(await page.locator('main img, main script').count(), 0)
})

const HUGE = { cpu_stat: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`cpu${n}`, { usage: 1e308, user: -5, system: 'x', iowait: null }])), meminfo: { memory: { total: 1e308, used: -1, free: 1e308 }, swap: { total: 1, used: 1e308 } }, processes: [], uptime: 5 }
scene('hostile: 5,000 processors, 1e308, wrong types, hundreds of keys', { change: (push, n) => ({ ...HUGE, ...Object.fromEntries(Array.from({ length: 400 }, (_, k) => [`k${k}`, n % 2 ? k : { value: 1e308, unit: 'x'.repeat(5000) }])) }) }, async (page) => {
  await state(page, 'live')
  await page.getByText('… 3976 more').waitFor()
  await page.getByText('… 360 more').waitFor()
  assert.ok(await page.locator('*').count() < 2500)
  assert.ok(!/NaN|Infinity|undefined/.test(await page.locator('main').innerText()))
})

scene('hostile: nesting, null, arrays and broken JSON as a push', { change: (push, n) => [`Push::${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'Push::null', 'Push::{', 'Push::', 'Push', '::', '\\', `Push::{"deep":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`, `Info::{"plugins":{"__proto__":{"reason":"x"},"a,b":{}}}`, push][n % 10] }, async (page) => {
  await state(page, 'live')
  await page.getByText(/broken pushes dropped/).waitFor()
})

scene('hostile: 10 MB pushes and floods are dropped, told, and cut off; its neighbour goes on', {}, async (page, server) => {
  await state(page, 'live')
  const evil = await fakeServer({ pace: 300, change: (push, n) => (n === 2 ? `Push::{"x":"${'y'.repeat(10_000_000)}"}` : push) })
  try {
    await page.evaluate((host) => {
      const kept = { version: 1, columns: [{ servers: [{ id: 'evil', host }] }, { servers: [{ id: 'good', host: '' }] }] }
      localStorage.setItem('rtstat.config', JSON.stringify(kept))
    }, evil.host)
    await page.reload()
    await page.getByText('1 messages larger than 1 MB dropped').waitFor()
    evil.script.change = () => Array.from({ length: 300 }, () => 'Push::{}')
    await state(page, 'flood')
    await state(page, 'live', 1)
    await until(page, () => document.querySelectorAll('rt-server')[1].server.history.count > 5)
    await page.keyboard.press('e')
    await page.getByText('Editing').waitFor()
  } finally {
    await evil.close()
  }
  await eventually(() => server.sessions.size === 1)
})
