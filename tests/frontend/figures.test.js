// What a card shows: every figure, every section, thresholds, languages.

import assert from 'node:assert/strict'
import { configFile, eventually, state, until } from './lib/browser.js'
import { counts, openAll, says, scene, settled } from './lib/scene.js'

scene('one server, as installed: every figure of the original is on the screen', {}, async (page) => {
  await state(page, 'live')
  for (const part of ['up 12 days', 'users 2', 'load', 'clock', 'processes 214', 'sleeping 211', 'zombies 0']) await says(page, '.card-facts', part)
  await says(page, '.bars', 'cpu3')
  await says(page, '.bars-wide', /%.*GiB[\s\S]*no swap/)
  await settled(page)
  assert.ok(!(await page.content()).includes('NaN'))
  assert.equal(await page.title(), 'rtstat')
})

scene('asks for what is offered, and for the top only while it is open', {}, async (page, server) => {
  await state(page, 'live')
  await settled(page)
  const last = () => server.commands.filter((line) => line.startsWith('plugins::')).at(-1)
  assert.ok(last().includes('net') && last().includes('queue') && !last().includes('top') && !last().includes('zfs'), last())
  await page.getByText('Top processes').click()
  await page.getByRole('row', { name: /postgres/ }).waitFor()
  assert.ok(last().includes('top'))
  for (const name of ['Memory', 'CPU']) {
    await page.getByRole('button', { name, exact: true }).click()
    await page.getByRole('button', { name, exact: true, pressed: true }).waitFor()
  }
  await page.getByText('Top processes').click()
  await eventually(() => !last().includes('top'))
})

scene('every section opens and shows what the server says', {}, async (page) => {
  await state(page, 'live')
  await settled(page)
  await openAll(page)
  for (const words of ['enp3s0', 'nvme0n1', '/var/lib/postgresql', 'not answering 1 min 34 s', 'IO · all wait', 'Failed: certbot.service', 'nginx.service', 'shop-api', 'k10temp · Tctl', 'Radeon', '194 jobs|jobs', 'zfs: no /proc/spl/kstat/zfs']) {
    await page.getByText(new RegExp(words.replace(/[.]/g, '\\.'))).first().waitFor()
  }
  await page.locator('td[data-level="warning"]', { hasText: '93 %' }).waitFor()
  await page.reload()
  await page.getByText('enp3s0').first().waitFor()
})

scene('an interface that is down shouts only when it was up', { change: (push, n) => {
  if (push.net && n > 12) push.net.if.enp3s0.up = false
  return push
} }, async (page) => {
  await settled(page)
  await openAll(page)
  const links = () => page.evaluate(() => [...document.querySelectorAll('td')].filter((cell) => cell.textContent === 'down').map((cell) => `${cell.parentNode.cells[0].textContent} ${cell.dataset.level ?? ''}`).join())
  await eventually(async () => await links() === 'enp3s0 warning,enp4s0 ')
})

scene('an instant that is pointed at says its time on every card', { files: configFile([[{ id: 'a', host: '' }], [{ id: 'b', host: '' }]]) }, async (page) => {
  await settled(page)
  await page.locator('.plot').first().focus()
  await page.keyboard.press('ArrowLeft')
  await counts(page, '.needle:not([hidden])', 2)
  const times = await page.locator('.needle').allInnerTexts()
  assert.match(times[0], /^\d\d:\d\d:\d\d$/)
  assert.equal(times[1], times[0])
  await page.keyboard.press('Escape')
  await counts(page, '.needle:not([hidden])', 0)
})

scene('closed sections stand below the open ones, and one that is opened by hand keeps the focus', {}, async (page) => {
  await settled(page)
  const names = () => page.evaluate(() => [...document.querySelectorAll('.section')].map((one) => `${one.open ? '' : '-'}${one.firstChild.textContent}`).join())
  assert.equal(await names(), 'Processors,Memory,Plugins,-Top processes,-Network,-Disks,-Filesystems,-Pressure,-Services,-Containers,-Sensors,-Graphics')
  await page.locator('summary', { hasText: 'Disks' }).focus()
  await page.keyboard.press('Enter')
  await eventually(async () => await names() === 'Processors,Memory,Disks,Plugins,-Top processes,-Network,-Filesystems,-Pressure,-Services,-Containers,-Sensors,-Graphics')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Disks')
})

scene('why figures are missing, and whose they are, is said where they would stand', {
  machine: { notes: { sock: 'no <b>conntrack</b> here', fs: 'sizes are hidden', queue: 'counted by halves', procs: 'other users are hidden' } },
  change: (push) => ({ ...push, ...(push.net && { net: { ...push.net, by: 'self' } }), ...(push.fs && { fs: push.fs.map((row, place) => (place ? row : { ...row, by: 'self' })) }) }),
}, async (page) => {
  await settled(page)
  await openAll(page)
  const section = (name) => page.locator('.section', { has: page.locator('summary', { hasText: new RegExp(`^${name}$`) }) })
  await section('Network').getByText('net: own view · sock: no <b>conntrack</b> here').waitFor()
  await section('Filesystems').getByText('fs: sizes are hidden').waitFor()
  await section('Filesystems').getByRole('cell', { name: 'ext4 · own view' }).waitFor()
  assert.equal(await section('Filesystems').getByText('own view').count(), 1)
  await section('Plugins').getByText('queue: counted by halves').waitFor()
  await section('Plugins').getByText('procs: other users are hidden').waitFor()
  assert.equal(await section('Disks').locator('> .muted').innerText(), '')
})

scene('the original’s server: four keys, no plugins asked, told apart', { legacy: true }, async (page, server) => {
  await state(page, 'live')
  await page.getByText('An Rt-Stat server of the first kind').waitFor()
  assert.ok(!server.commands.some((line) => line.startsWith('plugins')))
  await until(page, () => [...document.querySelectorAll('.section > summary')].map((one) => one.textContent).join() === 'Processors,Memory')
  assert.deepEqual(server.commands.slice(0, 3), ['interval::1', 'start::', 'info::'])
})

scene('64 processors: a grid that still reads each', { machine: { cpus: 64 } }, async (page) => {
  await state(page, 'live')
  const grid = page.getByRole('group', { name: /64 processors/ })
  await grid.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await until(page, () => /^cpu1 \d/.test(document.querySelector('.readout').textContent))
})

scene('thresholds: a mark and a word on the card, the count in the title', { machine: { load: 3, memory: 0.97, swap: 0.5 }, files: configFile([[{ id: 'a', host: '', thresholds: { hold: 1 } }, { id: 'b', host: '', thresholds: { cpu: 100, memory: 100, swap: 100, hold: 3600 } }]]) }, async (page) => {
  await state(page, 'live')
  await until(page, () => document.title === '(1) rtstat')
  await says(page, '.card-mark', /Critical: .*memory, swap/)
  await counts(page, '.cell[data-level="critical"]', 1)
  await until(page, () => document.querySelectorAll('.strip-value[data-level]').length >= 2)
})

scene('figures that grow move nothing', { machine: { load: 0.4 }, change: (push, n) => ({ ...push, processes: { all: 10 ** (n % 5), running: n, sleep: 9, stopped: 0, zombie: 0 }, net: push.net && { ...push.net, total: { rx: 10 ** (n % 9), tx: 5 } } }) }, async (page) => {
  await settled(page)
  const places = () => page.evaluate(() => [...document.querySelectorAll('.plot, .section, .bar-parts')].map((one) => Math.round(one.getBoundingClientRect().top)).join())
  const before = await places()
  await until(page, (seen) => document.querySelector('rt-server').server.history.count > seen + 10, await page.evaluate(() => document.querySelector('rt-server').server.history.count))
  assert.equal(await places(), before)
})

scene('Russian, by the browser’s choice', {}, async (page) => {
  await state(page, 'live')
  for (const part of ['На связи', 'Процессоры', 'Память', 'ГиБ', 'свопа нет']) await says(page, 'main', part)
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ru')
}, { locale: 'ru-RU' })
