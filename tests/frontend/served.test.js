// Where the page comes from: the folder, a sub-path, a file; and the console beside it.

import assert from 'node:assert/strict'
import { state } from './lib/browser.js'
import { PUBLIC } from './lib/fake-server.js'
import { scene } from './lib/scene.js'

scene('index leads to the dashboard', { path: '' }, async (page) => {
  await page.waitForURL(/monitoring\.html$/)
  await state(page, 'live')
})

scene('a sub-path: the socket is beside the page', { prefix: '/rtstat' }, async (page, server) => {
  await state(page, 'live')
  assert.equal([...server.sessions][0].path, '/rtstat/ws')
})

scene('from a file: says in one line how to serve the folder', { path: 'client.html' }, async (page) => {
  await page.goto(`file://${PUBLIC}monitoring.html`)
  await page.locator('.boot', { hasText: 'runs from a web server, not from a file' }).waitFor()
  page.faults.length = 0
})


scene('the console: typed commands and answers as they are on the wire', { path: 'client.html' }, async (page) => {
  await page.getByText('Welcome::Rt-Stat v.1.0.0').waitFor()
  await page.getByLabel('Command').fill('VERSION')
  await page.keyboard.press('Enter')
  await page.getByText('Version::1.0.0').waitFor()
  await page.getByRole('button', { name: 'interval::1' }).click()
  await page.getByRole('button', { name: 'start' }).click()
  await page.getByText(/Push::\{"cpu_stat"/).first().waitFor()
  await page.getByLabel('Token').fill('hush')
  await page.keyboard.press('Enter')
  await page.getByText('Error::Auth failed').waitFor()
  assert.ok(!(await page.locator('main').innerText()).includes('hush'))
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByText(/Disconnected: 1\d\d\d/).waitFor()
})
