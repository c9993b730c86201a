// The page with the real program behind it: its embedded files, nginx at a sub-path, a static host elsewhere.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { overweight } from './lib/assets.js'
import { configFile, launch, open, state, until } from './lib/browser.js'
import { PUBLIC } from './lib/fake-server.js'
import { nginx, rtstatd, staticHost } from './lib/programs.js'
import { openAll } from './lib/scene.js'

/** @type {import('playwright-core').Browser} */
let browser
before(async () => { browser = await launch() })
after(() => browser.close())

/**
 * A test with a page, and with programs that end with it however it ends: `keep` is told of each.
 * @param {string} name @param {(page: any, keep: <T extends {end: () => unknown}>(one: T | Promise<T>) => Promise<T>) => Promise<void>} act
 */
function real(name, act) {
  test(`the real program: ${name}`, { timeout: 180_000 }, async () => {
    const kept = /** @type {{end: () => unknown}[]} */ ([])
    const page = await open(browser)
    try {
      await act(page, async (one) => {
        kept.push(await one)
        return one
      })
      assert.deepEqual(page.faults, [])
    } finally {
      await page.context().close()
      for (const one of kept.reverse()) await one.end()
    }
  })
}

real('page, headers, live figures of this machine', async (page, keep) => {
  const server = await keep(rtstatd())
  const response = await page.goto(`${server.url}monitoring.html`)
  assert.match(response.headers()['content-security-policy'], /default-src 'none'/)
  assert.ok(response.headers().etag)
  await state(page, 'live')
  const push = await page.evaluate(() => document.querySelector('rt-server').server.push)
  assert.equal(Object.keys(push.cpu_stat).length, cpus().length)
  const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1])
  assert.equal(push.meminfo.memory.total, total)
  await until(page, () => document.querySelectorAll('.section').length > 4)
  await openAll(page)
  // Whoever is busiest on this machine now: a name and figures.
  await page.locator('details', { has: page.locator('summary', { hasText: 'Top processes' }) }).getByRole('row', { name: /\S+.*\d/ }).nth(1).waitFor()
  assert.ok(!/NaN|undefined|Infinity/.test(await page.locator('main').innerText()))
  await page.goto(`${server.url}nothing-here`)
  await page.getByText('Nothing here').waitFor()
})

/** The headers of an answer to a browser that reads gzip, and the bytes that came. @returns {Promise<any>} */
const compressed = (url) => new Promise((done, fail) => {
  get(url, { headers: { 'Accept-Encoding': 'gzip' } }, (response) => {
    let bytes = 0
    response.on('data', (chunk) => { bytes += chunk.length })
    response.on('end', () => done({ headers: response.headers, bytes }))
  }).on('error', fail)
})

real('its page weighs over the wire what it may', async (page, keep) => {
  const { url } = await keep(rtstatd())
  assert.equal((await compressed(`${url}js/main.js`)).headers['content-encoding'], 'gzip')
  assert.deepEqual(await overweight(async (path) => (await compressed(url + path)).bytes), [])
})

real('a token, and a restart told as one', async (page, keep) => {
  const server = await keep(rtstatd(['-a', 'hush']))
  await page.goto(`${server.url}monitoring.html`)
  await state(page, 'token')
  await page.getByLabel('Token').fill('hush')
  await page.keyboard.press('Enter')
  await state(page, 'live')
  await server.end()
  await until(page, () => ['restarting', 'unreachable'].includes(document.querySelector('rt-server').dataset.state))
})

real('everything is asked for at once; opening to the first figures is told', async (page, keep) => {
  const server = await keep(rtstatd())
  await page.goto(`${server.url}monitoring.html`)
  await state(page, 'live')
  const spent = []
  for (let n = 0; n < 5; n++) {
    await page.reload({ waitUntil: 'commit' })
    await until(page, () => document.querySelector('rt-server')?.server.history.count > 0)
    spent.push(await page.evaluate(() => document.querySelector('rt-server').server.history.times[0] - performance.timeOrigin - 1000))
  }
  // A figure to read, not to fail by: it is the machine's as much as the page's.
  console.log(`# opening to first figures, less the interval: ${spent.map(Math.round).join(', ')} ms`)
  // What costs time on any machine is a file that is found only inside another one.
  const late = await page.evaluate(async () => {
    const source = (await (await fetch(location.href)).text()).replaceAll('"', '')
    return performance.getEntriesByType('resource').map(({ name }) => name.slice(new URL('.', location.href).href.length)).filter((path) => /\.(js|css)$/.test(path) && !source.includes(`=${path}`))
  })
  assert.deepEqual(late, [])
})

real('behind nginx at a sub-path, by the packaged snippet', async (page, keep) => {
  const folder = mkdtempSync(join(tmpdir(), 'rtstat-page-'))
  await keep({ end: () => rmSync(folder, { recursive: true }) })
  const socket = join(folder, 'socket')
  await keep(rtstatd(['--trust-proxy', 'unix'], `ws+unix:${socket}`))
  const { url } = await keep(nginx(socket))
  const response = await page.goto(url)
  await page.waitForURL(`${url}monitoring.html`)
  assert.match(response.headers()['content-security-policy'], /frame-ancestors 'none'/)
  for (const path of ['monitoring.html', 'js/main.js', 'css/base.css']) {
    const { headers } = await compressed(url + path)
    assert.equal(headers['content-encoding'], 'gzip', path)
    assert.equal(headers.vary, 'Accept-Encoding', path)
  }
  await state(page, 'live')
  await page.getByText(url.replace('http', 'ws') + 'ws').first().waitFor()
})

real('from a static host elsewhere: refused by its origin until that is allowed or a token is known', async (page, keep) => {
  const folder = mkdtempSync(join(tmpdir(), 'rtstat-page-'))
  await keep({ end: () => rmSync(folder, { recursive: true }) })
  cpSync(PUBLIC, folder, { recursive: true })
  const { origin } = await keep(staticHost(folder))
  const servers = await Promise.all([keep(rtstatd()), keep(rtstatd(['--allow-origin', origin])), keep(rtstatd(['-a', 'hush']))])
  const [path, text] = Object.entries(configFile([servers.map(({ host }, at) => ({ id: `s${at}`, host, token: at === 2 ? 'hush' : '' }))]))[0]
  writeFileSync(join(folder, path), text)
  await page.goto(`${origin}/monitoring.html`)
  await state(page, 'origin')
  await page.getByText(/--allow-origin/).first().waitFor()
  for (const place of [1, 2]) await until(page, (at) => document.querySelectorAll('rt-server')[at].server.phase === 'live', place)
})
