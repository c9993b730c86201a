// Chromium for the tests: one for a file of tests, a fresh context a test, and nothing the page says in anger goes unheard.

import { chromium } from 'playwright-core'

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--enable-precise-memory-info'] })

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(DEADLINE)
  const page = await context.newPage()
  /** Exceptions, refusals of the content policy and failed assertions of the page. @type {string[]} */
  const faults = []
  page.on('pageerror', (error) => faults.push(String(error.stack ?? error)))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
  })
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`)
    dialog.dismiss()
  })
  return Object.assign(page, { faults })
}

/** A default configuration with these servers, one list a column. @param {object[][]} columns */
export const configFile = (columns) => ({ '/monitoring-default-config.js': `RtStat.Monitoring.init(${JSON.stringify({ columns: columns.map((servers) => ({ servers })) })})` })

/** Milliseconds; far beyond what a busy machine needs, for a wait is never a measurement. */
export const DEADLINE = 45_000

/**
 * Waits until a function holds in the page. Asked from outside, since the page's content policy forbids evaluation inside.
 * @param {(argument: any) => unknown} holds
 */
export async function until(page, holds, argument = undefined) {
  const end = Date.now() + DEADLINE
  for (;;) {
    const value = await page.evaluate(holds, argument).catch((error) => {
      if (!/context was destroyed|navigation/i.test(String(error))) throw error
    })
    if (value) return
    if (Date.now() > end) throw new Error(`did not come true: ${holds} ${JSON.stringify(argument) ?? ''}\n${await page.evaluate(() => document.body.innerText.slice(0, 600))}`)
    await new Promise((done) => setTimeout(done, 40))
  }
}

/** Waits until a function holds here, in the test's own process. @param {() => unknown} holds */
export async function eventually(holds) {
  const end = Date.now() + DEADLINE
  while (!await holds()) {
    if (Date.now() > end) throw new Error(`did not come true: ${holds}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** Waits for the state of a card. */
export const state = (page, wanted, place = 0) => until(page, ([name, at]) => document.querySelectorAll('rt-server')[at]?.dataset.state === name, [wanted, place])
