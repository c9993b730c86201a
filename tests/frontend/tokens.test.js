// Tokens: asked for in their place, kept where asked, given to nobody else.

import assert from 'node:assert/strict'
import { configFile, eventually, state, until } from './lib/browser.js'
import { fakeServer } from './lib/fake-server.js'
import { saved, scene } from './lib/scene.js'

scene('a wrong token: the field in its place, then live; the token stays in this session', { token: 'se::cr\\et' }, async (page, server) => {
  await state(page, 'token')
  const connections = server.connections
  await page.getByLabel('Token').fill('wrong')
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  // Refused once more: the form is there again, not still.
  await eventually(() => server.commands.includes('auth::wrong'))
  await until(page, () => document.querySelector('rt-server').server.phase === 'token' && document.querySelector('rt-server').dataset.state === 'token')
  await page.getByLabel('Token').fill('se::cr\\et')
  await page.keyboard.press('Enter')
  await state(page, 'live')
  await page.locator('.token-form').waitFor({ state: 'hidden' })
  assert.ok(server.connections <= connections + 2, 'no tries by itself')
  assert.ok(!(await saved(page)).includes('se::'))
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
  await thief.close()
  assert.ok(!thief.commands.some((line) => line.startsWith('auth')), thief.commands.join())
  assert.ok(server.connections > 0)
})
