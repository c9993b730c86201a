// The page in a real Chromium against scripted servers, good and bad.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { configFile, eventually, launch, open, state, until } from './lib/browser.js'
import { fakeServer, PUBLIC } from './lib/fake-server.js'

/** @type {import('playwright-core').Browser} */
let browser
before(async () => { browser = await launch() })
after(() => browser.close())

const FAST = 150

/**
 * A test with a server and a page; the server serves the page too.
 * @param {string} name @param {object} script of the server @param {(page: any, server: any) => Promise<void>} act @param {object} [options] of the context
 */
function scene(name, script, act, options) {
  test(name, { timeout: 180_000 }, async () => {
    const server = await fakeServer({ pace: FAST, ...script })
    const page = await open(browser, options)
    try {
      await page.goto(`${server.url}${script.path ?? 'monitoring.html'}`)
      await act(page, server)
      assert.deepEqual(page.faults, [])
    } finally {
      await page.context().close()
      await server.close()
    }
  })
}

const text = (page, selector) => page.locator(selector).first().innerText()
const card = (page, name) => page.locator('rt-server', { has: page.getByRole('heading', { name, exact: true }) })
const saved = (page) => page.evaluate(() => localStorage.getItem('rtstat.config'))

scene('index leads to the dashboard', { path: '' }, async (page) => {
  await page.waitForURL(/monitoring\.html$/)
  await state(page, 'live')
})

scene('one server, as installed: every figure of the original is on the screen', {}, async (page) => {
  await state(page, 'live')
  const shown = await text(page, '.card-facts')
  for (const part of ['up 12 days', 'users 2', 'load', 'clock', 'processes 214', 'sleeping 211', 'zombies 0']) assert.ok(shown.includes(part), `${part} in ${shown}`)
  assert.equal(await page.locator('.section-x, .bar-labels >> text=cpu3').count(), 1)
  assert.match(await text(page, '.bars-wide .bar-values'), /%.*GiB[\s\S]*no swap/)
  assert.ok(!(await page.content()).includes('NaN'))
  assert.equal(await page.title(), 'rtstat')
})

scene('asks for what is offered, and for the top only while it is open', {}, async (page, server) => {
  await state(page, 'live')
  await until(page, () => document.querySelectorAll('summary').length > 8)
  const last = () => server.commands.filter((line) => line.startsWith('plugins::')).at(-1)
  assert.ok(last().includes('net') && last().includes('queue') && !last().includes('top') && !last().includes('zfs'), last())
  await page.getByText('Top processes').click()
  await page.getByRole('row', { name: /postgres/ }).waitFor()
  assert.ok(last().includes('top'))
  assert.equal(await page.getByRole('button', { name: 'Processor', exact: true }).getAttribute('aria-pressed'), 'true')
  await page.getByRole('button', { name: 'Memory', exact: true }).click()
  assert.equal(await page.getByRole('button', { name: 'Memory', exact: true }).getAttribute('aria-pressed'), 'true')
  await page.getByText('Top processes').click()
  await eventually(() => !last().includes('top'))
})

scene('every section opens and shows what the server says', {}, async (page) => {
  await state(page, 'live')
  await page.locator('summary', { hasText: 'Graphics' }).waitFor()
  await page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((one) => one.click()))
  for (const words of ['enp3s0', 'nvme0n1', '/var/lib/postgresql', 'not answering 1 min 34 s', 'IO · all wait', 'Failed: certbot.service', 'nginx.service', 'shop-api', 'k10temp · Tctl', 'Radeon', '194 jobs|jobs', 'zfs: no /proc/spl/kstat/zfs']) {
    await page.getByText(new RegExp(words.replace(/[.]/g, '\\.'))).first().waitFor()
  }
  assert.equal(await page.locator('td[data-level="warning"]', { hasText: '93 %' }).count(), 1)
  await page.reload()
  await page.getByText('enp3s0').first().waitFor()
})

scene('the original’s server: four keys, no plugins asked, told apart', { legacy: true }, async (page, server) => {
  await state(page, 'live')
  await page.getByText('An Rt-Stat server of the first kind').waitFor()
  assert.ok(!server.commands.some((line) => line.startsWith('plugins')))
  assert.deepEqual(await page.locator('.section > summary').allInnerTexts(), ['Processors', 'Memory'])
  assert.deepEqual(server.commands.slice(0, 3), ['interval::1', 'start::', 'info::'])
})

scene('a wrong token: the field in its place, then live; the token stays in this session', { token: 'se::cr\\et' }, async (page, server) => {
  await state(page, 'token')
  const connections = server.connections
  await page.getByLabel('Token').fill('wrong')
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await until(page, () => document.querySelector('rt-server').dataset.state === 'token' && document.querySelector('.token-form input').value === '')
  await page.getByLabel('Token').fill('se::cr\\et')
  await page.keyboard.press('Enter')
  await state(page, 'live')
  assert.equal(await page.locator('.token-form').isVisible(), false)
  assert.ok(server.connections <= connections + 2, 'no tries by itself')
  assert.ok(!(await saved(page) ?? '').includes('se::'))
  assert.ok(!page.url().includes('se'))
  await page.reload()
  await state(page, 'live')
})

scene('a token is kept beyond the session only when asked', { token: 'secret' }, async (page) => {
  await state(page, 'token')
  await page.getByLabel('Token').fill('secret')
  await page.locator('.token-form').getByLabel('Remember in this browser').check()
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await state(page, 'live')
  assert.ok((await saved(page)).includes('secret'))
  await page.evaluate(() => sessionStorage.clear())
  await page.reload()
  await state(page, 'live')
})

scene('a token for a server that wants none works all the same', { files: configFile([[{ id: 'a', host: '', token: 'useless' }]]) }, async (page, server) => {
  await state(page, 'live')
  assert.equal(server.commands[0], 'auth::useless')
})

for (const [wanted, script, words] of [
  ['full', { refuse: 'Too many clients', refuseCode: 1013 }, 'Too many clients'],
  ['origin', { refuse: 'Origin not allowed, see --allow-origin', refuseCode: 1008 }, '--allow-origin'],
  ['refused', { refuse: 'Server is misconfigured', refuseCode: 1011 }, 'Server is misconfigured'],
]) {
  scene(`refused: ${wanted}`, script, async (page) => {
    await state(page, wanted)
    assert.ok((await text(page, '.card')).includes(words))
    await page.getByText(/Next try in/).waitFor()
    await page.getByRole('button', { name: 'Try now' }).click()
    await state(page, wanted)
  })
}

scene('nobody there: unreachable, the address, the next try', { files: configFile([[{ id: 'a', host: '127.0.0.1:1' }]]) }, async (page) => {
  await state(page, 'unreachable')
  assert.match(await text(page, '.card-note'), /No answer from ws:\/\/127\.0\.0\.1:1\/.*Next try in/)
})

scene('a restart is told, and the page comes back by itself', {}, async (page, server) => {
  await state(page, 'live')
  server.drop(1001)
  await until(page, () => document.querySelector('rt-server').dataset.state !== 'live')
  await state(page, 'live')
  server.kill()
  await state(page, 'closed')
  await state(page, 'live')
})

scene('a server that goes silent is stale, and its strip goes on with a gap', { change: (push, n) => (n < 5 ? push : null) }, async (page) => {
  await state(page, 'live')
  await state(page, 'stale')
  assert.match(await text(page, '.card-state'), /Stale for \d+ s/)
})

scene('reboot, clock jump and missed pushes are said', { change: (push, n) => {
  if (!push._meta) return push
  const late = n >= 8 ? 7200 : 0
  return { ...push, _meta: { ...push._meta, boot: n < 6 ? 'first' : 'second', seq: n >= 10 ? n + 3 : n, ts: push._meta.ts + late } }
} }, async (page) => {
  await page.getByText('rebooted').waitFor()
  await page.getByText('clock jumped').waitFor()
  await page.getByText('3 pushes missed.').waitFor()
})

scene('stop, start, reconnect', {}, async (page, server) => {
  await state(page, 'live')
  await page.getByRole('button', { name: 'Stop' }).click()
  await state(page, 'stopped')
  await eventually(() => server.commands.includes('stop::'))
  await page.getByRole('button', { name: 'Start' }).click()
  await state(page, 'live')
  const before = server.connections
  await page.getByRole('button', { name: 'Reconnect' }).click()
  await eventually(() => server.connections === before + 1)
  await state(page, 'live')
})

scene('the settings of a server: interval on the running connection, faults in their place', {}, async (page, server) => {
  await state(page, 'live')
  await page.getByRole('button', { name: 'Settings' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Interval').fill('0.2')
  await dialog.getByRole('button', { name: 'Save' }).click()
  assert.match(await dialog.getByRole('alert').innerText(), /interval: .*0\.5 to 86400/)
  await dialog.getByLabel('Interval').fill('2,5')
  await dialog.getByLabel('Host').fill('example.org')
  assert.equal(await dialog.locator('output.url').innerText(), 'ws://example.org:8000/')
  await dialog.getByLabel('Host').fill('')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  await eventually(() => server.commands.includes('interval::2.5'))
  assert.equal(server.connections, 1)
  assert.ok((await saved(page)).includes('2.5'))
})

scene('autoStart false waits for the hand', { files: configFile([[{ id: 'a', host: '', autoStart: false }]]) }, async (page, server) => {
  await state(page, 'stopped')
  assert.equal(server.connections, 0)
  await page.getByRole('button', { name: 'Start' }).click()
  await state(page, 'live')
})

scene('the other spelling of the default configuration', { files: { '/monitoring-default-config.js': 'RtStat.Monitoring.defaultConfig = {columns: [{servers: [{id: "a", name: "Spelled", host: ""}]}]}' } }, async (page) => {
  await state(page, 'live')
  assert.equal(await text(page, 'h2'), 'Spelled')
})

for (const [name, file, words] of [
  ['a syntax error', 'RtStat.Monitoring.init({\n  columns: [\n    oops oops\n  ]\n})', /monitoring-default-config\.js:3: /],
  ['an exception', '\n\nundefined.x', /monitoring-default-config\.js:3: /],
  ['a wrong value', 'RtStat.Monitoring.init({columns: [{servers: [{id: "a b"}]}]})', /columns\[0\]\.servers\[0\]\.id: .*letters, digits/],
  ['no call', '', /sets no configuration/],
]) {
  test(`a default configuration with ${name} is told with its place`, async () => {
    const server = await fakeServer({ files: { '/monitoring-default-config.js': file } })
    const page = await open(browser)
    await page.goto(`${server.url}monitoring.html`)
    await page.locator('.problems').waitFor()
    assert.match(await text(page, '.problems'), words)
    await page.getByText('No servers yet').waitFor()
    await page.context().close()
    await server.close()
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
  assert.equal(await text(page, 'h2'), 'Ex')
})

test('the original’s local storage is read once', async () => {
  const server = await fakeServer({ pace: FAST })
  const page = await open(browser)
  await page.goto(`${server.url}client.html`)
  await page.evaluate((host) => localStorage.setItem('rtStatMonitoringConfig', JSON.stringify({ columns: [{ servers: [{ id: 'old', name: 'From the original', host, interval: '1.5', autoStart: true }] }] })), server.host)
  await page.goto(`${server.url}monitoring.html`)
  await state(page, 'live')
  assert.equal(await text(page, 'h2'), 'From the original')
  assert.ok((await saved(page)).includes('From the original'))
  assert.deepEqual(page.faults, [])
  await page.context().close()
  await server.close()
})

scene('edit mode: columns and servers are added, named, moved, removed; undo; connections stay', {}, async (page, server) => {
  await state(page, 'live')
  await page.keyboard.press('e')
  await page.getByRole('button', { name: 'Add column' }).click()
  await page.getByLabel('Name of the column').last().fill('Back')
  await page.keyboard.press('Tab')
  await page.getByRole('button', { name: 'Add server' }).last().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Second')
  await dialog.getByLabel('Host').fill(server.host)
  await page.keyboard.press('Enter')
  await state(page, 'live', 1)
  assert.equal(await page.locator('.column').nth(1).locator('.card h2').innerText(), 'Second')
  await page.getByRole('button', { name: 'Move left: Second' }).click()
  assert.equal(await page.locator('.column').nth(0).locator('rt-server').count(), 2)
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move left: Second')
  await page.getByRole('button', { name: 'Move down: Second' }).click()
  assert.deepEqual(await page.locator('h2').allInnerTexts(), ['This server', 'Second'])
  await page.getByRole('button', { name: 'Move up: Second' }).click()
  assert.deepEqual(await page.locator('h2').allInnerTexts(), ['Second', 'This server'])
  await page.getByRole('button', { name: 'Remove: Second' }).click()
  assert.equal(await page.locator('rt-server').count(), 1)
  await page.getByRole('button', { name: 'Undo' }).click()
  assert.equal(await page.locator('rt-server').count(), 2)
  await page.getByRole('button', { name: 'Done' }).click()
  assert.ok((await saved(page)).includes('Back'))
  const first = [...server.sessions].filter((session) => session.path === '/ws')
  assert.equal(first.length, 1)
})

scene('50 servers: all live, filter, fleet, jump', { files: configFile(Array.from({ length: 5 }, (_, c) => Array.from({ length: 10 }, (_, s) => ({ id: `s${c}-${s}`, name: `node-${c}${s}`, host: '', interval: 1 })))), pace: undefined }, async (page, server) => {
  await until(page, () => [...document.querySelectorAll('rt-server')].filter((one) => one.server.phase === 'live').length === 50)
  assert.equal(server.sessions.size, 50)
  assert.equal(await page.locator('.cell').count(), 50)
  await page.keyboard.press('/')
  await page.keyboard.type('node-3')
  await until(page, () => document.querySelectorAll('.cell:not([hidden])').length === 10)
  assert.equal(await page.locator('rt-server:not([hidden])').count(), 10)
  await page.keyboard.press('Escape')
  await until(page, () => document.querySelectorAll('.cell:not([hidden])').length === 50)
  // Cards out of view draw nothing but have their names: whoever jumps to one hears which it is.
  assert.equal(await page.locator('rt-server h2', { hasText: /^node-\d\d$/ }).count(), 50)
  await page.getByRole('button', { name: /^node-49: / }).click()
  await until(page, () => document.activeElement.textContent === 'node-49')
  await page.getByLabel('Order of servers').selectOption('cpu')
  await page.mouse.move(5, 500)
  await page.evaluate(() => document.activeElement.blur())
  await until(page, () => document.querySelector('.cell-bar').style.getPropertyValue('--share') > 0)
})

scene('thresholds: a mark and a word on the card, the count in the title', { machine: { load: 3, memory: 0.97, swap: 0.5 }, files: configFile([[{ id: 'a', host: '', thresholds: { hold: 1 } }, { id: 'b', host: '', thresholds: { cpu: 100, memory: 100, swap: 100, hold: 3600 } }]]) }, async (page) => {
  await state(page, 'live')
  await until(page, () => document.title === '(1) rtstat')
  await until(page, () => /Critical: .*memory, swap/.test(document.querySelector('.card-mark').textContent))
  await until(page, () => document.querySelectorAll('.cell[data-level="critical"]').length === 1)
  await until(page, () => document.querySelectorAll('.strip-value[data-level]').length >= 2)
})

scene('freeze and scrub: the past stays, nothing that arrives is lost', { change: (push, n) => ({ ...push, meminfo: { memory: { total: 1000, used: n, free: 1000 - n, buffers: 0, cached: 0 }, swap: {} }, mem: undefined }) }, async (page) => {
  await until(page, () => document.querySelector('rt-server')?.server.history.length > 8)
  await page.keyboard.press('f')
  await state(page, 'frozen')
  const row = '.strip-value:nth-of-type(3)'
  const held = await page.locator('rt-strips').innerText()
  const count = await page.evaluate(() => document.querySelector('rt-server').server.history.count)
  await until(page, (before) => document.querySelector('rt-server').server.history.count > before + 5, count)
  assert.equal(await page.locator('rt-strips').innerText(), held, row)
  await page.getByLabel(/Instant shown/).fill('-1')
  await until(page, (before) => document.querySelector('rt-strips').innerText !== before, held)
  await page.getByRole('button', { name: 'Go live' }).last().click()
  await state(page, 'live')
})

scene('hover and arrow keys read an instant on all strips', {}, async (page) => {
  await until(page, () => document.querySelector('rt-server')?.server.history.length > 10)
  const plot = page.getByRole('slider', { name: /history/i })
  await plot.focus()
  for (let n = 0; n < 2; n++) await page.keyboard.press('ArrowLeft')
  await until(page, () => /\d\d:\d\d:\d\d, \d s ago: CPU/.test(document.querySelector('.plot').getAttribute('aria-valuetext')))
  assert.equal(await page.locator('.needle').isVisible(), true)
  await page.keyboard.press('Escape')
  await until(page, () => document.querySelector('.needle').hidden)
  const box = await plot.boundingBox()
  await page.mouse.move(box.x + box.width - 4, box.y + 10)
  await until(page, () => !document.querySelector('.needle').hidden)
})

scene('64 processors: a grid that still reads each', { machine: { cpus: 64 } }, async (page) => {
  await state(page, 'live')
  const grid = page.getByRole('group', { name: /64 processors/ })
  await grid.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await until(page, () => /^cpu1 \d/.test(document.querySelector('.readout').textContent))
})

const EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>{{x}}'
scene('hostile: markup in every string stays text', { change: (push) => JSON.parse(JSON.stringify(push, (key, value) => (typeof value === 'string' ? EVIL : value)).replaceAll('"cpu0"', JSON.stringify(EVIL)).replaceAll('"queue"', JSON.stringify(EVIL))) }, async (page) => {
  await state(page, 'live')
  await page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((one) => one.click()))
  await page.getByText('onerror=').first().waitFor()
  assert.equal(await page.locator('main img, main script').count(), 0)
})

const HUGE = { cpu_stat: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`cpu${n}`, { usage: 1e308, user: -5, system: 'x', iowait: null }])), meminfo: { memory: { total: 1e308, used: -1, free: 1e308 }, swap: { total: 1, used: 1e308 } }, processes: [], uptime: 5 }
scene('hostile: 5,000 processors, 1e308, wrong types, hundreds of keys', { change: (push, n) => ({ ...HUGE, ...Object.fromEntries(Array.from({ length: 400 }, (_, k) => [`k${k}`, n % 2 ? k : { value: 1e308, unit: 'x'.repeat(5000) }])) }) }, async (page) => {
  await state(page, 'live')
  await page.getByText('… 3976 more').waitFor()
  await page.getByText('… 360 more').waitFor()
  assert.ok(await page.locator('*').count() < 2500)
  assert.ok(!/NaN|Infinity|undefined/.test(await text(page, 'main')))
})

scene('hostile: nesting, null, arrays and broken JSON as a push', { change: (push, n) => [`Push::${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'Push::null', 'Push::{', 'Push::', 'Push', '::', '\\', `Push::{"deep":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`, `Info::{"plugins":{"__proto__":{"reason":"x"},"a,b":{}}}`, push][n % 10] }, async (page) => {
  await state(page, 'live')
  await page.getByText(/broken pushes dropped/).waitFor()
})

scene('hostile: 10 MB pushes and floods are dropped, told, and cut off; others stay fluid', { pace: 20, change: (push, n) => (n % 3 ? push : `Push::{"x":"${'y'.repeat(3_000_000)}"}`) }, async (page) => {
  await page.getByText(/messages larger than 1 MB dropped/).waitFor()
  await state(page, 'flood')
  const started = Date.now()
  await page.keyboard.press('e')
  await page.getByText('Editing').waitFor()
  assert.ok(Date.now() - started < 3000)
})

scene('a sub-path: the socket is beside the page', { prefix: '/rtstat' }, async (page, server) => {
  await state(page, 'live')
  assert.equal([...server.sessions][0].path, '/rtstat/ws')
})

scene('a changed host gets no other server’s token', { token: 'secret' }, async (page, server) => {
  await state(page, 'token')
  await page.getByLabel('Token').fill('secret')
  await page.keyboard.press('Enter')
  await state(page, 'live')
  const thief = await fakeServer({ token: 'anything' })
  await page.evaluate((host) => {
    const kept = JSON.parse(localStorage.getItem('rtstat.config'))
    kept.columns[0].servers[0].host = host
    localStorage.setItem('rtstat.config', JSON.stringify(kept))
  }, thief.host)
  await page.reload()
  await state(page, 'token')
  assert.ok(!thief.commands.some((line) => line.startsWith('auth')), thief.commands.join())
  await thief.close()
  assert.ok(server.connections > 0)
})

scene('Russian, by the browser’s choice', {}, async (page) => {
  await state(page, 'live')
  const words = await text(page, 'main')
  for (const part of ['На связи', 'Процессоры', 'Память', 'ГиБ', 'свопа нет']) assert.ok(words.includes(part), part)
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ru')
}, { locale: 'ru-RU' })

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
  await page.locator('summary', { hasText: 'Graphics' }).first().waitFor()
  await page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((one) => one.click()))
  await page.getByText('enp3s0').first().waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  const boxes = await page.locator('.column').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left))
  assert.equal(new Set(boxes).size, 1)
}, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })

scene('figures that grow move nothing', { machine: { load: 0.4 }, change: (push, n) => ({ ...push, processes: { all: 10 ** (n % 5), running: n, sleep: 9, stopped: 0, zombie: 0 }, net: push.net && { ...push.net, total: { rx: 10 ** (n % 9), tx: 5 } } }) }, async (page) => {
  await until(page, () => document.querySelector('rt-server')?.server.history.length > 6)
  const places = () => page.evaluate(() => [...document.querySelectorAll('.plot, .section, .bar-plot')].map((one) => Math.round(one.getBoundingClientRect().top)).join())
  const before = await places()
  await until(page, () => document.querySelector('rt-server').server.history.length > 16)
  assert.equal(await places(), before)
})

scene('keyboard alone: everything is reached, focus is seen', {}, async (page) => {
  await state(page, 'live')
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
  assert.ok(!(await text(page, 'main')).includes('hush'))
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByText(/closed, code/).waitFor()
})

test('from a file: says in one line how to serve the folder', async () => {
  const page = await open(browser)
  await page.goto(`file://${PUBLIC}monitoring.html`)
  await page.getByText(/runs from a web server, not from a file/).waitFor()
  assert.equal(await page.locator('.boot').isVisible(), true)
  await page.context().close()
})

test('https page: ws is refused before it is tried, wss is not', async () => {
  const server = await fakeServer({ files: configFile([[{ id: 'a', host: 'ws://example.org' }, { id: 'b', host: 'wss://127.0.0.1:1' }]]) })
  const page = await open(browser)
  await page.route('https://mon.example/**', async (route) => {
    // What is still under way when the page closes has nobody to answer to.
    const response = await route.fetch({ url: route.request().url().replace('https://mon.example/', server.url) }).catch(() => null)
    if (response) await route.fulfill({ response }).catch(() => {})
  })
  await page.goto('https://mon.example/monitoring.html')
  await state(page, 'mixed')
  await state(page, 'unreachable', 1)
  await page.context().close()
  await server.close()
})

test('a hidden tab draws nothing and catches up at once', async () => {
  const server = await fakeServer({ pace: FAST })
  const page = await open(browser)
  await page.goto(`${server.url}monitoring.html`)
  await state(page, 'live')
  // The browser stops animation frames of hidden tabs; the page must have no other way to draw.
  await page.evaluate(() => {
    window.frames_ = []
    window.requestAnimationFrame = (draw) => window.frames_.push(draw)
  })
  await until(page, () => window.frames_.length === 1)
  await page.evaluate(() => {
    window.changes_ = 0
    new MutationObserver((all) => { window.changes_ += all.length }).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true, attributes: true })
    window.before_ = document.querySelector('rt-server').server.history.count
  })
  await until(page, () => document.querySelector('rt-server').server.history.count > window.before_ + 8)
  assert.equal(await page.evaluate(() => window.changes_), 0)
  assert.equal(await page.evaluate(() => window.frames_.length), 1)
  await page.evaluate(() => window.frames_.shift()(performance.now()))
  assert.ok(await page.evaluate(() => window.changes_) > 0)
  assert.deepEqual(page.faults, [])
  await page.context().close()
  await server.close()
})

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
    await page.locator('summary', { hasText: 'Graphics' }).first().waitFor()
    await page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((one) => one.click()))
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
