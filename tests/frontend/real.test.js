// The page as the real program serves it: the embedded files, its headers, its figures.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { after, before, test } from 'node:test'
import { launch, open, state, until } from './lib/browser.js'

const { RTSTATD } = process.env
/** @type {import('playwright-core').Browser} */
let browser
before(async () => { browser = await launch() })
after(() => browser.close())

/**
 * A test with the program and a page, both gone at its end however it ends.
 * @param {string} name @param {string[]} options of the program @param {(page: any, server: any) => Promise<void>} act
 */
function real(name, options, act) {
  test(`the real program: ${name}`, { timeout: 180_000 }, async () => {
    const server = await rtstatd(...options)
    try {
      const page = await open(browser)
      await page.goto(`${server.url}monitoring.html`)
      await act(page, server)
      assert.deepEqual(page.faults, [])
      await page.context().close()
    } finally {
      await server.end()
    }
  })
}

/** Starts the program on a port of the kernel's choice, read from its log. */
async function rtstatd(...options) {
  const child = spawn(RTSTATD, ['-v', 'server', '--listen', 'ws://127.0.0.1:0', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  const url = await new Promise((found, lost) => {
    child.stderr.on('data', (chunk) => {
      log += chunk
      const port = /127\.0\.0\.1:(\d+)/.exec(log)?.[1]
      if (port && port !== '0') found(`http://127.0.0.1:${port}/`)
    })
    child.on('error', lost)
    child.on('exit', () => lost(new Error(log)))
  })
  const gone = new Promise((done) => child.removeAllListeners('exit').on('exit', done))
  return { url, end: () => {
    child.kill('SIGTERM')
    return gone
  } }
}

real('page, headers, live figures of this machine', [], async (page, server) => {
  const response = await page.reload()
  assert.match(response.headers()['content-security-policy'], /default-src 'none'/)
  assert.ok(response.headers().etag)
  await state(page, 'live')
  const push = await page.evaluate(() => document.querySelector('rt-server').server.push)
  assert.equal(Object.keys(push.cpu_stat).length, cpus().length)
  const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1])
  assert.equal(push.meminfo.memory.total, total)
  await until(page, () => document.querySelectorAll('.section').length > 4)
  await page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((one) => one.click()))
  // Whoever is busiest on this machine now: a name and figures.
  await page.locator('details', { has: page.locator('summary', { hasText: 'Top processes' }) }).getByRole('row', { name: /\S+.*\d/ }).nth(1).waitFor()
  assert.ok(!/NaN|undefined|Infinity/.test(await page.locator('main').innerText()))
  await page.goto(`${server.url}nothing-here`)
  await page.getByText('Nothing here').waitFor()
})

real('a token, and a restart told as one', ['-a', 'hush'], async (page, server) => {
  await state(page, 'token')
  await page.getByLabel('Token').fill('hush')
  await page.keyboard.press('Enter')
  await state(page, 'live')
  await server.end()
  await until(page, () => ['restarting', 'unreachable'].includes(document.querySelector('rt-server').dataset.state))
})

real('everything is asked for at once; opening to the first figures is told', [], async (page) => {
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
    const source = await (await fetch(location.href)).text()
    return performance.getEntriesByType('resource').map(({ name }) => name.slice(new URL('.', location.href).href.length)).filter((path) => /\.(js|css)$/.test(path) && !source.includes(`"${path}"`))
  })
  assert.deepEqual(late, [])
})
