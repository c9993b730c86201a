// For everybody: keyboard, themes, a phone, assistive technology.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { configFile, state, until } from './lib/browser.js'
import { openAll, scene, settled } from './lib/scene.js'

scene('keyboard alone: everything is reached, focus is seen', {}, async (page) => {
  await settled(page)
  const seen = new Set()
  for (let n = 0; n < 40; n++) {
    await page.keyboard.press('Tab')
    const one = await page.evaluate(() => {
      const { activeElement: node } = document
      return node === document.body ? { name: '', outline: '' } : { name: node.getAttribute('aria-label') ?? node.textContent.trim().slice(0, 30), outline: getComputedStyle(node).outlineStyle }
    })
    if (one.name) assert.equal(one.outline, 'solid', one.name)
    seen.add(one.name)
  }
  for (const name of ['Filter servers', 'Freeze (F)', 'Menu', 'Stop', 'Reconnect', 'Settings', 'Processors', 'Memory', 'Top processes', 'Plugins']) assert.ok(seen.has(name), `${name} of ${[...seen]}`)
  await page.getByLabel('Menu').focus()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Editing').waitFor()
})

scene('themes: by the system, then by hand, and remembered', {}, async (page) => {
  await state(page, 'live')
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const dark = await ground()
  await page.getByRole('button', { name: /Theme: as the system/ }).click()
  const light = await ground()
  assert.notEqual(light, dark)
  await page.reload()
  await state(page, 'live')
  assert.equal(await ground(), light)
}, { colorScheme: 'dark' })

scene('a phone: one column, nothing beyond the edge', { files: configFile([[{ id: 'a', host: '', name: 'A server with a rather long name, as people have' }], [{ id: 'b', host: '' }]]) }, async (page) => {
  await until(page, () => [...document.querySelectorAll('rt-server')].every((one) => one.server.phase === 'live'))
  await settled(page)
  await openAll(page)
  await page.getByText('enp3s0').first().waitFor()
  await until(page, () => document.documentElement.scrollWidth === 360)
  const boxes = await page.locator('.column').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left))
  assert.equal(new Set(boxes).size, 1)
}, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** The rules of axe, run in the page's own world through the debugger so that the content policy stays on. */
async function accessible(page, what) {
  await page.evaluate(readFileSync(axe, 'utf8'))
  const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }))
  assert.deepEqual(violations.filter(({ impact }) => ['serious', 'critical', 'moderate'].includes(impact)).map(({ id, nodes }) => `${what}: ${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`), [])
}

for (const colorScheme of ['light', 'dark']) {
  scene(`axe: the dashboard, all sections, dialogs, edit mode, alarms, ${colorScheme}`, { machine: { load: 3, memory: 0.93, cpus: 20 }, files: configFile([[{ id: 'a', host: '', name: 'One', thresholds: { hold: 0 } }], [{ id: 'b', host: '127.0.0.1:1', name: 'Two' }]]) }, async (page) => {
    await state(page, 'live')
    await state(page, 'unreachable', 1)
    await settled(page)
    await openAll(page)
    await page.getByText('enp3s0').waitFor()
    await accessible(page, 'dashboard')
    await page.keyboard.press('f')
    await page.keyboard.press('e')
    await accessible(page, 'edit')
    await page.getByRole('button', { name: 'Settings' }).first().click()
    await accessible(page, 'settings')
    await page.keyboard.press('Escape')
    await page.evaluate(() => document.activeElement.blur())
    await page.keyboard.press('c')
    await accessible(page, 'configuration')
  }, { colorScheme })
}

scene('axe: the token form and the console', { token: 'x' }, async (page, server) => {
  await state(page, 'token')
  await accessible(page, 'token')
  await page.goto(`${server.url}client.html`)
  await page.getByText(/Welcome::/).waitFor()
  await accessible(page, 'console')
  await page.goto(`${server.url}nothing`)
  await accessible(page, '404')
})
