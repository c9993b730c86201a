// Five minutes of history in a moment, for pictures and measurements.

import { readFileSync } from 'node:fs'

/** The page makes the pushes of the past itself, by the machine that the fake server uses; its server has to serve this. */
export const MACHINE = { '/machine.js': readFileSync(new URL('machine.js', import.meta.url), 'utf8') }
/** How the servers of one picture differ. @param {number} place */
export const variety = (place) => ({ seed: place + 6, load: 0.15 + (((place + 5) * 37) % 10) / 12, memory: 0.3 + (((place + 5) * 53) % 60) / 100, swap: place % 5 === 3 ? 0.08 : 0 })
export const backfill = (page) => page.evaluate(async (options) => {
  const [{ addSample }, { History }, { machine }] = await Promise.all(['./js/model/figures.js', './js/model/history.js', './machine.js'].map((path) => import(new URL(path, location.href).href)))
  for (const [place, { server }] of [...document.querySelectorAll('rt-server')].entries()) {
    const past = machine({ cpus: Object.keys(server.push.cpu_stat).length, legacy: server.connection.legacy, ...options[place] })
    const fresh = new History()
    for (let n = 0; n < 600; n++) addSample(past.push(n - 600, 0.5), fresh, Date.now() - (600 - n) * 500)
    Object.assign(server.history, fresh)
  }
}, Array.from({ length: 60 }, (_, place) => variety(place)))
