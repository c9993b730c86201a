// From one push to figures. rtstat-protocol(7) describes what a push holds.

import { amount, at, finite, largest, ratio, rowsOf, share } from './values.js'

/** What a section or a strip of ours shows; all else is a plugin's. */
export const KNOWN_KEYS = new Set([
  'cpu_stat', 'meminfo', 'processes', 'uptime', '_meta', 'cpu', 'mem', 'psi', 'disk', 'fs', 'net',
  'sock', 'sens', 'procs', 'top', 'units', 'ct', 'gpu', 'self',
])

const MAX_PROCESSORS = 8192
const MAX_ROWS = 256
const MAX_UNKNOWN = 8

/** @param {Push} push @param {number} limit @returns {{ cpus: CpuUsage[], total: number }} */
export function cpusOf(push, limit) {
  const { rows, total } = rowsOf(push.cpu_stat, limit)
  const cpus = rows.map(({ key: name, value }) => {
    const core = at(push, 'cpu', 'core', name)
    const usage = ratio(at(value, 'usage'))
    return { name, usage, ...(core ? partsOfCore(core) : partsOfLegacy(value, usage)) }
  })
  return { cpus, total }
}

function partsOfCore(core) {
  const part = (key) => ratio(at(core, key)) || 0
  return {
    user: part('user') + part('nice'),
    system: part('system'),
    irq: part('irq') + part('softirq'),
    iowait: part('iowait'),
    steal: part('steal'),
  }
}

const ROUNDING = 0.015

// In `cpu_stat`, usage is user + system + iowait, but its `iowait` also holds the interrupts, which
// are in `system` as well. What is beyond the sum tells them apart.
function partsOfLegacy(value, usage) {
  const part = (key) => ratio(at(value, key)) || 0
  const user = part('user')
  const system = part('system')
  const wait = part('iowait')
  const iowait = Math.min(wait, Math.max(0, usage - user - system) || 0)
  const irq = wait - iowait > ROUNDING ? Math.min(wait - iowait, system) : 0
  return { user, system: system - irq, irq, iowait, steal: 0 }
}

/** What programs hold counts, not the caches that the legacy `used` contains. @param {Push} push */
export function memoryOf({ meminfo, mem }) {
  const kib = (key) => amount(at(meminfo, 'memory', key))
  const total = kib('total')
  const held = total - kib('free') - kib('buffers') - kib('cached')
  const used = at(mem, 'used')
  const swapTotal = amount(at(meminfo, 'swap', 'total'))
  return {
    memory: finite(used) >= 0 ? share(used, at(mem, 'total')) : share(held, total),
    swap: share(at(meminfo, 'swap', 'used'), swapTotal),
    total: total * 1024,
    swapTotal: swapTotal * 1024,
  }
}

/** Some drivers say it in percent. @param {unknown} gpu */
export function gpuBusy(gpu) {
  const busy = finite(at(gpu, 'busy'))
  return ratio(busy > 1 ? busy / 100 : busy)
}

/** As `df` counts: what is kept for root is neither used nor available. @param {unknown} row */
export const fullness = (row) => {
  const used = at(row, 'used')
  return share(used, amount(used) + amount(at(row, 'avail')))
}

/** Adds one push to a history. @param {Push} push @param {Samples} history @param {number} time */
export function addSample(push, history, time) {
  const usages = rowsOf(push.cpu_stat, MAX_PROCESSORS).rows
    .map(({ value }) => ratio(at(value, 'usage')))
  history.push(time, usages.length)
  usages.forEach((usage, cpu) => history.setCpu(cpu, usage))
  const figures = { ...processorFigures(push, usages), ...otherFigures(push) }
  for (const [name, value] of Object.entries(figures)) history.set(name, value)
  for (const { key, value } of unknownFigures(push)) history.set(`${UNKNOWN_PREFIX}${key}`, value)
}

/** No plugin can pose as a figure of ours. */
export const UNKNOWN_PREFIX = 'x:'

function processorFigures(push, usages) {
  const known = usages.filter((usage) => usage >= 0)
  const idle = finite(at(push, 'cpu', 'all', 'idle')) + finite(at(push, 'cpu', 'all', 'iowait'))
  return {
    cpu: known.length
      ? known.reduce((sum, usage) => sum + usage) / known.length
      : ratio(1 - idle),
    cpuWorst: largest(known),
  }
}

function otherFigures(push) {
  const figure = (...path) => amount(at(push, ...path))
  const worst = (rows, read) => largest(rowsOf(rows, MAX_ROWS).rows.map(({ value }) => read(value)))
  const waiting = (resource) => ratio(finite(at(push, 'psi', resource, 'some', '0')) / 100)
  const { memory, swap } = memoryOf(push)
  return {
    memory,
    swap,
    load: amount(Number.parseFloat(at(push, 'uptime', 'la1'))),
    running: figure('processes', 'running'),
    rx: figure('net', 'total', 'rx'),
    tx: figure('net', 'total', 'tx'),
    read: figure('disk', 'total', 'r'),
    write: figure('disk', 'total', 'w'),
    busy: worst(at(push, 'disk', 'dev'), (device) => ratio(at(device, 'util'))),
    psi: largest(['cpu', 'memory', 'io'].map(waiting)),
    temp: worst(at(push, 'sens', 't'), (sensor) => finite(at(sensor, 'c'))),
    gpu: worst(push.gpu, gpuBusy),
    full: worst(push.fs, fullness),
  }
}

function unknownFigures(push) {
  return Object.keys(push).slice(0, MAX_ROWS)
    .filter((key) => !KNOWN_KEYS.has(key))
    .map((key) => ({ key, value: finite(at(push[key], 'value') ?? push[key]) }))
    .filter(({ value }) => !Number.isNaN(value))
    .slice(0, MAX_UNKNOWN)
}

const WATCHED = /** @type {const} */ (['cpu', 'memory', 'swap'])

// Three fifths of the way up.
const criticalFrom = (threshold) => threshold + (100 - threshold) * 0.6

export class Alerts {
  /** @type {Map<string, Level>} */
  active = new Map()

  #since = new Map()

  /**
   * Whether anything has changed.
   * @param {Record<typeof WATCHED[number], number>} ratios @param {Thresholds} thresholds
   * @param {number} now
   */
  update(ratios, thresholds, now) {
    const before = [...this.active].join()
    this.active.clear()
    for (const figure of WATCHED) {
      const percent = ratios[figure] * 100
      const threshold = thresholds[figure]
      // NaN is not above anything.
      if (!(percent >= threshold)) {
        this.#since.delete(figure)
        continue
      }
      const since = this.#since.get(figure) ?? now
      this.#since.set(figure, since)
      // A peak that is over before anybody could look is not worth a shout.
      if (now - since < thresholds.hold * 1000) continue
      this.active.set(figure, percent >= criticalFrom(threshold) ? 'critical' : 'warning')
    }
    return [...this.active].join() !== before
  }

  /** The worst one. @returns {Level} */
  get level() {
    const levels = [...this.active.values()]
    return levels.find((one) => one === 'critical') ?? levels[0] ?? ''
  }
}
