// The states of a connection, each told as what it is.

import assert from 'node:assert/strict'
import { configFile, eventually, state, until } from './lib/browser.js'
import { says, scene } from './lib/scene.js'

scene('nobody there: unreachable, the address, the next try', { files: configFile([[{ id: 'a', host: '127.0.0.1:1' }]]) }, async (page) => {
  await state(page, 'unreachable')
  await says(page, '.card-note', /No answer from ws:\/\/127\.0\.0\.1:1\/.*Next try in/)
})

for (const [wanted, script, words] of [
  ['full', { refuse: 'Too many clients', refuseCode: 1013 }, 'Too many clients'],
  ['origin', { refuse: 'Origin not allowed, see --allow-origin', refuseCode: 1008 }, '--allow-origin'],
  ['refused', { refuse: 'Server is misconfigured', refuseCode: 1011 }, 'Server is misconfigured'],
]) {
  scene(`refused: ${wanted}`, script, async (page, server) => {
    await state(page, wanted)
    await says(page, '.card', words)
    await page.getByText(/Next try in/).waitFor()
    const before = server.connections
    await page.getByRole('button', { name: 'Try now' }).click()
    await eventually(() => server.connections > before)
    await state(page, wanted)
  })
}

scene('a restart is told, and the page comes back by itself', {}, async (page, server) => {
  await state(page, 'live')
  // Every phase is written down: a short one may be over before the next look at the page.
  await page.evaluate(() => {
    const { server } = document.querySelector('rt-server')
    window.phases_ = []
    server.addEventListener('state', () => window.phases_.push(server.phase))
  })
  server.drop(1001)
  await until(page, () => window.phases_.includes('restarting') && window.phases_.at(-1) === 'live')
  server.kill()
  await until(page, () => window.phases_.includes('closed') && window.phases_.at(-1) === 'live')
  await state(page, 'live')
})

scene('a server that goes silent is stale, and its strip goes on with a gap', { change: (push, n) => (n < 5 ? push : null) }, async (page) => {
  await state(page, 'live')
  await state(page, 'stale')
  await says(page, '.card-state', /Stale for \d+ s/)
})

scene('reboot, clock jump and missed pushes are said', { pace: 300, change: (push, n) => {
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

scene('autoStart false waits for the hand', { files: configFile([[{ id: 'a', host: '', autoStart: false }]]) }, async (page, server) => {
  await state(page, 'stopped')
  assert.equal(server.connections, 0)
  await page.getByRole('button', { name: 'Start' }).click()
  await state(page, 'live')
})

scene('https page: ws is refused before it is tried, wss is not', { path: 'client.html', files: configFile([[{ id: 'a', host: 'ws://example.org' }, { id: 'b', host: 'wss://127.0.0.1:1' }]]) }, async (page, server) => {
  await page.route('https://mon.example/**', async (route) => {
    // What is still under way when the page closes has nobody to answer to.
    const response = await route.fetch({ url: route.request().url().replace('https://mon.example/', server.url) }).catch(() => null)
    if (response) await route.fulfill({ response }).catch(() => {})
  })
  await page.goto('https://mon.example/monitoring.html')
  await state(page, 'mixed')
  await state(page, 'unreachable', 1)
})


scene('a hidden tab draws nothing and catches up at once', {}, async (page) => {
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
  await until(page, () => window.changes_ > 0)
})
