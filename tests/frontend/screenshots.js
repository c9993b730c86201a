// Pictures of every state at four widths in both themes, to be looked at: [WIDTHS=360,3840] node screenshots.js [folder] [state…]

import { mkdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { configFile, launch, open, until } from './lib/browser.js'
import { backfill, MACHINE, variety } from './lib/backfill.js'
import { fakeServer, PUBLIC } from './lib/fake-server.js'

const folder = process.argv[2] ?? 'screenshots'
const only = process.argv.slice(3)
const widths = process.env.WIDTHS?.split(',').map(Number)
const one = (extra = {}) => configFile([[{ id: 'a', name: 'web-01', host: '', ...extra }]])
const many = (columns, rows) => configFile(Array.from({ length: columns }, (_, c) => Array.from({ length: rows }, (_, r) => ({ id: `s${c}-${r}`, name: `${['web', 'db', 'cache', 'build'][c % 4]}-${String(c)}${r}`, host: '', interval: 1, thresholds: { hold: 0 } }))))
const phase = (name) => (page) => until(page, (wanted) => document.querySelector('rt-server')?.dataset.state === wanted, name)
const live = async (page) => {
  await until(page, () => [...document.querySelectorAll('rt-server')].every((card) => card.server.phase === 'live'))
  await backfill(page)
  // Unknown sections come with the second push.
  await until(page, () => [...document.querySelectorAll('rt-server')].every((card) => card.server.history.count > 601))
}

/** Live, then in a state that a test cannot bring about in passing. */
const forced = (name, detail) => async (page) => {
  await live(page)
  await page.evaluate(([phase, said]) => {
    const { connection } = document.querySelector('rt-server').server
    connection.close()
    connection.enter(phase, said)
  }, [name, detail])
}
const russian = { locale: 'ru-RU' }

/** @type {Record<string, {script?: object, act: (page: any, server: any) => Promise<void>, path?: string, options?: object}>} */
const STATES = {
  one: { script: { files: one(), vary: () => variety(0) }, act: live },
  sections: { script: { files: one() }, act: async (page) => {
    await live(page)
    await page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((summary) => summary.click()))
    await page.getByRole('row', { name: /postgres/ }).first().waitFor()
  } },
  cpus20: { script: { files: one(), machine: { cpus: 20 } }, act: live },
  cpus256: { script: { files: one(), machine: { cpus: 256 } }, act: live },
  cpus64: { script: { files: one(), machine: { cpus: 64, swap: 0.04 } }, act: live },
  alarm: { script: { files: one({ thresholds: { hold: 0 } }), machine: { load: 3, memory: 0.95, swap: 0.4 } }, act: live },
  hover: { script: { files: many(2, 1) }, act: async (page) => {
    await live(page)
    const box = await page.locator('.plot').first().boundingBox()
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2)
  } },
  russian: { script: { files: many(4, 2), machine: { swap: 0.3 } }, options: russian, act: async (page) => {
    await live(page)
    await page.evaluate(() => document.querySelector('rt-server').querySelectorAll('.section:not([open]) > summary').forEach((summary) => summary.click()))
  } },
  legacy: { script: { files: one(), legacy: true }, act: live },
  fleet: { script: { files: many(4, 5), machine: { cpus: 8 }, vary: (n) => ({ ...variety(n % 20), name: `node-${n % 20}` }) }, act: live },
  fleet50: { script: { files: many(5, 10), machine: { cpus: 8 }, vary: (n) => ({ ...variety(n), name: `node-${n}` }) }, act: async (page) => {
    await live(page)
    await page.evaluate(() => [['token', 7], ['unreachable', 12], ['connecting', 23]].forEach(([phase, place]) => {
      const { connection } = document.querySelectorAll('rt-server')[place].server
      connection.close()
      connection.enter(phase)
    }))
  } },
  wall: { script: { files: many(7, 6), machine: { cpus: 64 }, vary: (n) => variety(n % 42) }, act: async (page) => {
    await page.evaluate(async () => (await import('./js/model/view.js')).view.prefer({ compact: true }))
    // Its own history: 42 times five minutes would be too much to hand over.
    await until(page, () => [...document.querySelectorAll('rt-server')].every((card) => card.server.history.count > 4))
  } },
  empty: { script: { files: configFile([]) }, act: async (page) => page.getByText('No servers').waitFor() },
  waiting: { script: { files: one(), silent: true }, act: phase('waiting') },
  stale: { script: { files: one(), change: (push, n) => (n < 4 ? push : null) }, act: async (page) => {
    await phase('live')(page)
    await backfill(page)
    await phase('stale')(page)
  } },
  stopped: { script: { files: one() }, act: async (page) => {
    await live(page)
    await page.getByRole('button', { name: 'Stop' }).click()
  } },
  frozen: { script: { files: one() }, act: async (page) => {
    await live(page)
    await page.keyboard.press('f')
    await page.getByLabel(/Instant shown/).fill('-60')
  } },
  rebooted: { script: { files: one(), change: (push, n) => (push._meta ? { ...push, _meta: { ...push._meta, boot: n < 4 ? 'a' : 'b' } } : push) }, act: async (page) => {
    await live(page)
    await page.getByText('rebooted').waitFor()
  } },
  jumped: { script: { files: one(), change: (push, n) => (push._meta ? { ...push, _meta: { ...push._meta, ts: push._meta.ts + (n < 4 ? 0 : 60) } } : push) }, act: async (page) => {
    await live(page)
    await page.getByText('clock jumped').waitFor()
  } },
  mixed: { script: { files: one() }, act: forced('mixed') },
  crowd: { script: { files: one() }, act: forced('crowd', '255') },
  tokenRussian: { script: { files: one(), token: 'x' }, options: russian, act: phase('token') },
  unreachableRussian: { script: { files: one({ host: '127.0.0.1:1' }) }, options: russian, act: phase('unreachable') },
  editRussian: { script: { files: many(2, 2) }, options: russian, act: async (page) => {
    await live(page)
    await page.keyboard.press('e')
  } },
  settingsRussian: { script: { files: one() }, options: russian, act: async (page) => {
    await live(page)
    await page.getByRole('button', { name: 'Настройки' }).click()
  } },
  menuRussian: { script: { files: one() }, options: russian, act: async (page) => {
    await live(page)
    await page.getByLabel('Меню').click()
  } },
  token: { script: { files: one(), token: 'x' }, act: phase('token') },
  full: { script: { files: one(), refuse: 'Too many clients' }, act: phase('full') },
  origin: { script: { files: one(), refuse: 'Origin not allowed, see --allow-origin' }, act: phase('origin') },
  unreachable: { script: { files: one({ host: '127.0.0.1:1' }) }, act: phase('unreachable') },
  restarting: { script: { files: one() }, act: async (page, server) => {
    await live(page)
    server.script.refuse = 'Server is restarting'
    server.drop(1001)
    await until(page, () => document.querySelector('rt-server').dataset.state !== 'live')
  } },
  flood: { script: { files: one(), pace: 10, change: () => `Push::{"x":"${'y'.repeat(1_100_000)}"}` }, act: phase('flood') },
  edit: { script: { files: many(2, 2) }, act: async (page) => {
    await live(page)
    await page.keyboard.press('e')
  } },
  settings: { script: { files: one() }, act: async (page) => {
    await live(page)
    await page.getByRole('button', { name: 'Settings' }).click()
  } },
  config: { script: { files: one() }, act: async (page) => {
    await live(page)
    await page.keyboard.press('c')
    await page.locator('input[type=file]').setInputFiles({ name: 'c.json', mimeType: 'application/json', buffer: Buffer.from('{"columns": [}') })
    await page.getByText('This is not JSON').waitFor()
  } },
  menu: { script: { files: one() }, act: async (page) => {
    await live(page)
    await page.getByLabel('Menu').click()
  } },
  fault: { script: { files: { '/monitoring-default-config.js': 'RtStat.Monitoring.init({columns: [{servers: [{id: "a b"}]}]})' } }, act: async (page) => page.locator('.problems').waitFor() },
  file: { path: pathToFileURL(`${PUBLIC}monitoring.html`).href, act: async (page) => page.waitForTimeout(1600) },
  console: { path: 'client.html', act: async (page) => {
    for (const name of ['info', 'interval::1', 'start']) await page.getByRole('button', { name, exact: true }).click()
    await page.getByText(/Push::/).first().waitFor()
  } },
}

mkdirSync(folder, { recursive: true })
const browser = await launch()
for (const [name, { script, act, path = 'monitoring.html', options }] of Object.entries(STATES)) {
  if (only.length && !only.includes(name)) continue
  const server = await fakeServer({ pace: 500, ...script, files: { ...script?.files, ...MACHINE } })
  for (const [width, height] of [[360, 740], [1280, 900], [2560, 1440], [3840, 2160]].filter(([one]) => widths?.includes(one) ?? true)) {
    const page = await open(browser, { viewport: { width, height }, ...options, ...(width === 360 && { hasTouch: true, isMobile: true }) })
    delete server.script.refuse
    if (script?.refuse) server.script.refuse = script.refuse
    await page.goto(new URL(path, server.url).href)
    await act(page, server)
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme })
      await page.waitForTimeout(700)
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: width === 360 })
    }
    if (page.faults.length) console.error(name, width, page.faults)
    await page.context().close()
  }
  await server.close()
  console.log(name)
}
await browser.close()
