// From one push to the figures that have a history: which they are, and how each is read. Pure.

import { amount, at, entries, items, num, own, ratio, record } from './values.js'

/** @typedef {import('./types.js').Push} Push */
/** @typedef {import('./history.js').History} History */

/** Keys that have a place of their own on the card; any other is drawn by its shape. */
export const KNOWN = new Set(['cpu_stat', 'meminfo', 'processes', 'uptime', '_meta', 'cpu', 'mem', 'psi', 'disk', 'fs', 'net',
  'sock', 'sens', 'procs', 'top', 'units', 'ct', 'gpu', 'self'])

/** How many unknown plugins get a strip. */
const MAX_UNKNOWN = 8

/**
 * One processor's share of its time. The wire's iowait also holds irq (an oddity kept for old clients), so the parts are
 * taken apart here: usage is user + system + true iowait.
 * @typedef {{name: string, usage: number, user: number, system: number, irq: number, iowait: number, steal: number}} Cpu
 */

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Cpu}
 */
function cpu(value, name) {
  const usage = ratio(own(value, 'usage'))
  const user = ratio(own(value, 'user')) || 0
  const system = ratio(own(value, 'system')) || 0
  const wait = ratio(own(value, 'iowait')) || 0
  const iowait = Math.min(wait, Math.max(0, (usage || 0) - user - system))
  // Each figure is rounded to a hundredth, so a difference of one is no irq.
  const irq = wait - iowait > 0.015 ? Math.min(wait - iowait, system) : 0
  return { name, usage, user, system: system - irq, irq, iowait, steal: ratio(own(value, 'steal')) || 0 }
}

/**
 * @param {Push} push
 * @param {number} most
 * @returns {{cpus: Cpu[], total: number}}
 */
export function cpusOf(push, most) {
  const { entries: rows, total } = entries(own(push, 'cpu_stat'), most)
  return { cpus: rows.map(([name, value]) => cpu(value, name)), total }
}

/**
 * @param {unknown} part @param {unknown} whole
 */
export function share(part, whole) {
  const total = amount(whole)
  return total > 0 ? ratio(amount(part) / total) : NaN
}

/**
 * @param {Push} push
 * @returns {{memory: number, swap: number, swapTotal: number}} ratios; NaN where there is none
 */
export function memoryOf(push) {
  const memory = at(push, 'meminfo', 'memory')
  const swap = at(push, 'meminfo', 'swap')
  const mem = own(push, 'mem')
  // `used` of the legacy key counts the page cache; what programs can't get is the honest figure.
  const used = own(mem, 'used')
  const total = amount(own(memory, 'total'))
  const apps = total - amount(own(memory, 'free')) - amount(own(memory, 'buffers')) - amount(own(memory, 'cached'))
  return {
    memory: used === undefined ? share(apps, total) : share(used, own(mem, 'total')),
    swap: share(own(swap, 'used'), own(swap, 'total')),
    swapTotal: amount(own(swap, 'total')),
  }
}

/**
 * The largest of some numbers; NaN when none is finite.
 * @param {number[]} values
 */
function most(values) {
  let best = NaN
  for (const value of values) if (!(best >= value) && value === value) best = value
  return best
}

/**
 * Writes one sample. The order of the calls is the order of the strips.
 * @param {Push} push
 * @param {History} history
 */
export function sample(push, history) {
  const { cpus } = cpusOf(push, 8192)
  history.reserveCpus(cpus.length)
  let sum = 0
  let counted = 0
  let worst = NaN
  cpus.forEach((one, index) => {
    if (one.usage !== one.usage) return
    history.setCpu(index, one.usage)
    sum += one.usage
    counted++
    if (!(worst >= one.usage)) worst = one.usage
  })
  const all = at(push, 'cpu', 'all')
  const idle = num(own(all, 'idle')) + num(own(all, 'iowait'))
  history.set('cpu', counted ? sum / counted : ratio(1 - idle))
  history.set('cpuWorst', worst)
  const { memory, swap } = memoryOf(push)
  history.set('memory', memory)
  history.set('swap', swap)
  history.set('load', amount(Number.parseFloat(String(at(push, 'uptime', 'la1') ?? ''))))
  const net = at(push, 'net', 'total')
  history.set('rx', amount(own(net, 'rx')))
  history.set('tx', amount(own(net, 'tx')))
  const disk = at(push, 'disk', 'total')
  history.set('read', amount(own(disk, 'r')))
  history.set('write', amount(own(disk, 'w')))
  history.set('busy', most(entries(at(push, 'disk', 'dev'), 256).entries.map(([, dev]) => ratio(own(dev, 'util')))))
  history.set('psi', most(['cpu', 'memory', 'io'].map((kind) => pressure(push, kind))))
  const temperatures = items(at(push, 'sens', 't'), 256).items.map((sensor) => num(own(sensor, 'c')))
  history.set('temp', most(temperatures))
  history.set('gpu', most(items(own(push, 'gpu'), 16).items.map((gpu) => busy(own(gpu, 'busy')))))
  history.set('full', most(items(own(push, 'fs'), 256).items.map((fs) => share(own(fs, 'used'), num(own(fs, 'used')) + num(own(fs, 'avail'))))))
  let unknown = 0
  for (const key of Object.keys(push).slice(0, 256)) {
    if (KNOWN.has(key) || unknown >= MAX_UNKNOWN) continue
    const value = gauge(push[key])
    if (value === value) {
      unknown++
      history.set(`x:${key}`, value)
    }
  }
}

/**
 * The share of the last ten seconds in which something waited, 0 to 1.
 * @param {Push} push
 * @param {string} kind
 */
export function pressure(push, kind) {
  return ratio(num(items(at(push, 'psi', kind, 'some'), 1).items[0]) / 100)
}

/**
 * A driver may tell business as a ratio or in percent.
 * @param {unknown} value
 */
export function busy(value) {
  const number = num(value)
  return ratio(number > 1 ? number / 100 : number)
}

/**
 * The one number in what a plugin of unknown shape sent: the number itself, or `{value}`.
 * @param {unknown} value
 */
export function gauge(value) {
  return num(record(value) ? own(value, 'value') : value)
}
