// A scene: one scripted server that serves the page too, and one page; both are gone at its end however it ends.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, open, until } from './browser.js'
import { fakeServer } from './fake-server.js'

/** @type {import('playwright-core').Browser} */
let browser
before(async () => { browser = await launch() })
after(() => browser.close())

/** Milliseconds between two pushes, for scenes that would only wait for them. */
const FAST = 150

/**
 * @param {string} name
 * @param {object} script of the server; `path` is the page that is opened
 * @param {(page: any, server: any) => Promise<void>} act
 * @param {import('playwright-core').BrowserContextOptions} [options] of the browser's context
 */
export function scene(name, script, act, options) {
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

/** Waits until the first element of a CSS selector reads so. @param {string} selector @param {RegExp|string} wanted */
export const says = (page, selector, wanted) => until(page, ([css, source]) => new RegExp(source, 'u').test(document.querySelector(css)?.innerText ?? ''),
  [selector, typeof wanted === 'string' ? wanted.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') : wanted.source])

/** Waits until as many elements match a CSS selector. */
export const counts = (page, selector, wanted) => until(page, ([css, n]) => document.querySelectorAll(css).length === n, [selector, wanted])

/** Waits until the cards' names stand in this order. @param {string[]} names */
export const names = (page, ...names) => until(page, (wanted) => [...document.querySelectorAll('rt-server h2')].map((one) => one.textContent).join('|') === wanted, names.join('|'))

/** Waits until nothing new comes into the card by itself: all that the scripted machine offers has arrived and been drawn. */
export const settled = (page) => until(page, () => document.querySelector('rt-server')?.server.history.series.has('x:queue')
  && ['Graphics', 'Plugins'].every((name) => [...document.querySelectorAll('summary')].some((one) => one.textContent === name)) && document.querySelector('rt-strips').innerText.includes('queue'))

/** Opens every section of every card. */
export const openAll = (page) => page.evaluate(() => document.querySelectorAll('.section:not([open]) > summary').forEach((one) => one.click()))

/** What this browser keeps of the configuration. */
export const saved = (page) => page.evaluate(() => localStorage.getItem('rtstat.config') ?? '')

/** Presses Tab until the focus is on the element of this name, as somebody without a pointer does. @param {RegExp|string} name */
export async function tabTo(page, name) {
  const seen = []
  for (let n = 0; n < 150; n++) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(() => {
      const node = document.activeElement
      return node.getAttribute('aria-label') ?? (node.labels?.[0]?.textContent || node.textContent).trim()
    })
    seen.push(now)
    if (typeof name === 'string' ? now === name : name.test(now)) return
  }
  throw new Error(`Tab never came to ${name}, only to ${[...new Set(seen)].map((one) => one.slice(0, 30)).join(', ')}`)
}
