// What calls for attention, and what leaves people in peace: notifications, motion, touch, the hand on the keyboard.

import assert from 'node:assert/strict'
import { backfill, MACHINE } from './lib/backfill.js'
import { configFile, eventually, state, until } from './lib/browser.js'
import { counts, names, scene, settled, tabTo } from './lib/scene.js'

const TWO = configFile([[{ id: 'a', name: 'Held', host: '', thresholds: { hold: 1 } }, { id: 'b', name: 'Calm', host: '', thresholds: { cpu: 100, memory: 100, swap: 100, hold: 3600 } }]])
scene('notifications: asked for, allowed, one for a level held; none for a server whose hold has not passed', { path: 'client.html', machine: { load: 0.2, memory: 0.9 }, files: TWO }, async (page, server) => {
  await page.addInitScript(() => {
    const raised = []
    Object.assign(window, { raised_: raised, Notification: Object.assign(class { constructor(title, { body }) { raised.push(`${title} ${body}`) } }, { permission: sessionStorage.getItem('allowed_') ?? 'default',
      requestPermission: async () => sessionStorage.setItem('allowed_', window.Notification.permission = 'granted') }) })
  })
  await page.goto(`${server.url}monitoring.html`)
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByLabel('Notify me of alarms').check()
  await until(page, () => window.Notification.permission === 'granted' && localStorage.getItem('rtstat.view').includes('"notify":true'))
  // Alarms may have begun before they were wished for: begin anew.
  await page.reload()
  await until(page, () => window.raised_.length > 0)
  const seen = await page.evaluate(() => document.querySelector('rt-server').server.history.count)
  await until(page, (count) => document.querySelector('rt-server').server.history.count > count + 5, seen)
  assert.match((await page.evaluate(() => window.raised_)).join('\n'), /^Held .*memory$/)
})

for (const [reducedMotion, behavior] of /** @type {const} */ ([['reduce', 'auto'], ['no-preference', 'smooth']])) {
  scene(`motion: ${reducedMotion}`, { files: TWO }, async (page) => {
    await counts(page, '.cell', 2)
    await page.evaluate(() => {
      Element.prototype.scrollIntoView = (options) => { window.scrolled_ = options.behavior }
    })
    await page.getByRole('button', { name: /^Calm: / }).click()
    await until(page, (wanted) => window.scrolled_ === wanted, behavior)
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
  }, { reducedMotion })
}

scene('touch reads an instant on all strips, and it stays when the finger is lifted', {}, async (page) => {
  await settled(page)
  const box = await page.locator('.plot').boundingBox()
  await page.touchscreen.tap(box.x + box.width - 4, box.y + 10)
  await until(page, () => !document.querySelector('.needle').hidden && /ago|now/.test(document.querySelector('.plot').getAttribute('aria-valuetext')))
}, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })

scene('five minutes at half a second: the oldest sample is read as the newest', { files: { ...configFile([[{ id: 'a', host: '', interval: 0.5 }]]), ...MACHINE } }, async (page) => {
  await settled(page)
  await backfill(page)
  await page.getByRole('slider', { name: /history/i }).focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('PageUp')
  await until(page, () => /4 min \d+ s ago: CPU \d/.test(document.querySelector('.plot').getAttribute('aria-valuetext')))
})

scene('the whole of edit mode, the fleet and the past, without a pointer', {}, async (page, server) => {
  await settled(page)
  await page.keyboard.press('e')
  await tabTo(page, 'Add column')
  await page.keyboard.press('Enter')
  await counts(page, '.column', 2)
  await tabTo(page, 'Add server')
  await tabTo(page, 'Add server')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.getByRole('dialog').getByLabel('Name').focus()
  await page.keyboard.type('Second')
  await tabTo(page, 'Host')
  await page.keyboard.type(server.host)
  await page.keyboard.press('Enter')
  await names(page, 'This server', 'Second')
  await tabTo(page, 'Move left: Second')
  await page.keyboard.press('Enter')
  await counts(page, '.column:nth-child(1) rt-server', 2)
  // The hand is still on it: up, without looking for the button again.
  await until(page, () => document.activeElement.ariaLabel === 'Move left: Second')
  await tabTo(page, 'Move up: Second')
  await page.keyboard.press('Enter')
  await names(page, 'Second', 'This server')
  await tabTo(page, 'Remove: Second')
  await page.keyboard.press('Enter')
  await names(page, 'This server')
  await tabTo(page, 'Undo')
  await page.keyboard.press('Enter')
  await names(page, 'Second', 'This server')
  await page.keyboard.press('e')
  await counts(page, '.cell', 2)
  await tabTo(page, /^This server: /)
  await page.keyboard.press('Enter')
  await until(page, () => document.activeElement.textContent === 'This server')
  await page.keyboard.press('f')
  await until(page, () => document.querySelectorAll('rt-server')[0].dataset.state === 'frozen')
  await page.getByLabel(/Instant shown/).focus()
  await page.keyboard.press('ArrowLeft')
  await tabTo(page, 'Go live')
  await page.keyboard.press('Enter')
  await state(page, 'live')
  await eventually(() => server.sessions.size === 2)
})
