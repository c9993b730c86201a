// The configuration: its files and its dialog, where it is kept, where it is wrong.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { eventually, state, until } from './lib/browser.js'
import { names, saved, says, scene } from './lib/scene.js'

scene('the other spelling of the default configuration', { files: { '/monitoring-default-config.js': 'RtStat.Monitoring.defaultConfig = {columns: [{servers: [{id: "a", name: "Spelled", host: ""}]}]}' } }, async (page) => {
  await state(page, 'live')
  await names(page, 'Spelled')
})

for (const [name, file, words] of [
  ['a syntax error', 'RtStat.Monitoring.init({\n  columns: [\n    oops oops\n  ]\n})', /monitoring-default-config\.js:3: /],
  ['an exception', '\n\nundefined.x', /monitoring-default-config\.js:3: /],
  ['a wrong value', 'RtStat.Monitoring.init({columns: [{servers: [{id: "a b"}]}]})', /columns\[0\]\.servers\[0\]\.id: .*letters, digits/],
  ['no call', '', /sets no configuration/],
]) {
  scene(`a default configuration with ${name} is told with its place`, { files: { '/monitoring-default-config.js': file } }, async (page) => {
    await says(page, '.problems', words)
    await page.getByText('No servers yet').waitFor()
    // The error is the scene's own.
    page.faults.length = 0
  })
}

scene('configuration: a file is loaded, kept and saved; a faulty one changes nothing', {}, async (page, server) => {
  await state(page, 'live')
  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog')
  const load = (content) => dialog.locator('input[type=file]').setInputFiles({ name: 'c.json', mimeType: 'application/json', buffer: Buffer.from(content) })
  await load('{"columns": [}')
  await dialog.getByText('This is not JSON: the fault is at 1:14').waitFor()
  await load('{"columns": [{"servers": [{"id": "x"}, {"id": "x"}]}]}')
  await dialog.getByText('columns[0].servers[1].id: the id "x" is used twice').waitFor()
  assert.equal(await page.locator('rt-server').count(), 1)
  await load(JSON.stringify({ columns: [{ servers: [{ id: 'x', name: 'Ex', host: server.host, token: 'hidden' }] }, { servers: [{ id: 'y', host: `ws://${server.host}/p`, interval: 0.5 }] }] }))
  await dialog.getByText('Loaded; servers: 2.').waitFor()
  const download = page.waitForEvent('download')
  await dialog.getByRole('button', { name: 'Save to file' }).click()
  const file = readFileSync(await (await download).path(), 'utf8')
  assert.ok(file.includes('"Ex"') && !file.includes('hidden'))
  await dialog.getByLabel('with tokens').check()
  const second = page.waitForEvent('download')
  await dialog.getByRole('button', { name: 'Save to file' }).click()
  assert.ok(readFileSync(await (await second).path(), 'utf8').includes('hidden'))
  await page.keyboard.press('Escape')
  await page.reload()
  await state(page, 'live', 1)
  await until(page, () => document.querySelector('h2').textContent === 'Ex')
})

scene('a browser that forbids storage: the page works, and the default can be taken', { path: 'client.html' }, async (page, server) => {
  await page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get() { throw new DOMException('forbidden', 'SecurityError') } })
  })
  await page.goto(`${server.url}monitoring.html`)
  await state(page, 'live')
  await page.keyboard.press('c')
  const again = page.waitForEvent('load')
  await page.getByRole('dialog').getByRole('button', { name: 'Use the default' }).click()
  await again
  await state(page, 'live')
})

scene('the default is taken: what was kept is forgotten', {}, async (page) => {
  await page.evaluate(() => localStorage.setItem('rtstat.config', '{"columns": []}'))
  await page.reload()
  await page.getByText('No servers yet').waitFor()
  await page.keyboard.press('c')
  await page.getByRole('button', { name: 'Use the default' }).click()
  await state(page, 'live')
  await until(page, () => localStorage.getItem('rtstat.config') === null)
})

scene('the original’s local storage is read once', { path: 'client.html' }, async (page, server) => {
  await page.evaluate((host) => localStorage.setItem('rtStatMonitoringConfig', JSON.stringify({ columns: [{ servers: [{ id: 'old', name: 'From the original', host, interval: '1.5', autoStart: true }] }] })), server.host)
  await page.goto(`${server.url}monitoring.html`)
  await state(page, 'live')
  await names(page, 'From the original')
  assert.ok((await saved(page)).includes('From the original'))
  // What is kept since then rules.
  await page.evaluate(() => localStorage.setItem('rtStatMonitoringConfig', '{"columns": []}'))
  await page.reload()
  await names(page, 'From the original')
})


scene('the settings of a server: interval on the running connection, faults in their place', {}, async (page, server) => {
  await state(page, 'live')
  await page.getByRole('button', { name: 'Settings' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Interval').fill('0.2')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await says(page, 'dialog [role=alert]', /interval: .*0\.5 to 86400/)
  await dialog.getByLabel('Interval').fill('2,5')
  await dialog.getByLabel('Host').fill('example.org')
  await says(page, 'dialog output.url', /^ws:\/\/example\.org:8000\/$/)
  await dialog.getByLabel('Host').fill('')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  await eventually(() => server.commands.includes('interval::2.5'))
  assert.equal(server.connections, 1)
  assert.ok((await saved(page)).includes('2.5'))
})
