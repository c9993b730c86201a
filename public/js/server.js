// One watched server: its connection, its history, what is notable about it. Elements read it; it knows none of them.

import { Alerts } from './alerts.js'
import { Client } from './client.js'
import { urlOf } from './config.js'
import { KNOWN, sample } from './figures.js'
import { History } from './history.js'
import { store } from './store.js'
import { at, num, own, text, uptimeSeconds } from './values.js'

/** @typedef {import('./types.js').ServerConfig} ServerConfig */
/** @typedef {{time: number, kind: 'reboot'|'clock'|'missed'|'restart', text?: number}} Mark */

const MAX_MARKS = 50
/** Plugins that a session asks for only while somebody looks. */
const ON_DEMAND = new Set(['top'])

/**
 * Announces `state` (phase, notes), `push` (a new sample), `alert` and `info`.
 */
export class Server extends EventTarget {
  /** @param {ServerConfig} config */
  constructor(config) {
    super()
    this.config = config
    this.url = urlOf(config.host, location.href)
    this.client = new Client({ url: this.url, interval: config.interval, token: store.tokenOf(config) })
    this.history = new History()
    this.alerts = new Alerts()
    /** @type {Mark[]} */
    this.marks = []
    this.missed = 0
    /** Plugins that are wanted right now though they cost. @type {Set<string>} */
    this.wanted = new Set()
    this.boot = ''
    this.seq = NaN
    this.uptime = NaN
    this.clockOffset = NaN
    this.client.addEventListener('state', () => this.onState())
    this.client.addEventListener('push', () => this.onPush())
    this.client.addEventListener('info', () => {
      this.choose()
      this.dispatchEvent(new Event('info'))
    })
    this.client.addEventListener('dropped', () => this.dispatchEvent(new Event('state')))
    this.client.addEventListener('error', () => this.dispatchEvent(new Event('state')))
  }

  get push() {
    return this.client.push
  }

  get phase() {
    return this.client.phase
  }

  /**
   * Seconds without a push beyond what the interval allows; 0 while it is live.
   * @param {number} now
   */
  staleFor(now) {
    const { phase, lastPush, interval } = this.client
    const silent = now - lastPush
    return phase === 'live' && silent > Math.max(interval * 2500, 2000) ? silent / 1000 : 0
  }

  start() {
    this.client.token = store.tokenOf(this.config)
    this.client.interval = this.config.interval
    this.client.start()
  }

  stop() {
    this.client.stop()
  }

  /** @param {number} seconds */
  setInterval(seconds) {
    this.config.interval = seconds
    this.client.setInterval(seconds)
  }

  /** All that is offered, except what costs and nobody looks at. */
  choose() {
    const info = this.client.info
    if (!info) return
    const names = ['cpu_stat', 'meminfo', 'processes', 'uptime']
    for (const [name, about] of info.plugins) {
      if (names.includes(name) || text(own(about, 'reason'))) continue
      if (!ON_DEMAND.has(name) || this.wanted.has(name)) names.push(name)
    }
    this.client.setPlugins(names)
  }

  /**
   * @param {string} plugin
   * @param {boolean} wanted
   */
  want(plugin, wanted) {
    if (wanted) this.wanted.add(plugin)
    else this.wanted.delete(plugin)
    this.choose()
  }

  onState() {
    if (this.client.phase !== 'live') {
      this.alerts.clear()
      this.seq = NaN
      this.clockOffset = NaN
      this.dispatchEvent(new Event('alert'))
    }
    if (this.client.phase === 'connecting') this.client.info = null
    this.dispatchEvent(new Event('state'))
  }

  onPush() {
    const now = this.client.lastPush
    const push = this.client.push
    this.notice(push, now)
    this.history.push(now)
    sample(push, this.history)
    const last = this.history.length - 1
    const ratios = {
      cpu: this.history.valueAt('cpu', last),
      memory: this.history.valueAt('memory', last),
      swap: this.history.valueAt('swap', last),
    }
    if (this.alerts.update(ratios, this.config.thresholds, now)) this.dispatchEvent(new Event('alert'))
    this.dispatchEvent(new Event('push'))
  }

  /**
   * Reboot, a clock that jumped, pushes that never came: told, not hidden.
   * @param {import('./types.js').Push} push
   * @param {number} now
   */
  notice(push, now) {
    const before = this.history.length ? this.history.timeAt(this.history.length - 1) : NaN
    const meta = own(push, '_meta')
    const boot = text(own(meta, 'boot'), 64)
    const uptime = uptimeSeconds(at(push, 'uptime', 'uptime'))
    // "uptime" counts whole minutes, so a step of one back is rounding.
    if (boot ? this.boot !== '' && boot !== this.boot : uptime < this.uptime - 90) this.mark(now, 'reboot')
    if (boot) this.boot = boot
    if (uptime === uptime) this.uptime = uptime

    const offset = clockOffset(meta, at(push, 'uptime', 'time'), now)
    const jump = offset.seconds - this.clockOffset
    const wrapped = offset.daily ? Math.abs(((jump % 86400) + 86400 + 43200) % 86400 - 43200) : Math.abs(jump)
    if (wrapped > 3) this.mark(now, 'clock', jump)
    this.clockOffset = offset.seconds

    const seq = num(own(meta, 'seq'))
    const lost = seq - this.seq - 1
    const late = Math.round((now - before) / (this.client.interval * 1000)) - 1
    const missed = lost === lost ? lost : late >= 2 && Number.isFinite(this.seq) ? late : 0
    if (missed > 0 && missed < 1e6) {
      this.missed += missed
      this.mark(now, 'missed', missed)
    }
    this.seq = seq
  }

  /**
   * @param {number} time
   * @param {Mark['kind']} kind
   * @param {number} [value]
   */
  mark(time, kind, value) {
    this.marks.push({ time, kind, text: value })
    if (this.marks.length > MAX_MARKS) this.marks.shift()
    this.dispatchEvent(new Event('state'))
  }

  /** Names of the keys in the last push that the page has never heard of. @param {number} most */
  unknown(most) {
    const names = Object.keys(this.push).filter((key) => !KNOWN.has(key))
    return { names: names.slice(0, most), total: names.length }
  }

  /**
   * What the server offers by name but can't give, with its reason.
   * @returns {[string, string][]}
   */
  unavailable() {
    const plugins = this.client.info?.plugins
    if (!plugins) return []
    return [...plugins].filter(([, about]) => text(own(about, 'reason'))).slice(0, 40).map(([name, about]) => [text(name, 40), text(own(about, 'reason'))])
  }

  /** Ends the connection for good. */
  dispose() {
    this.client.stop()
  }
}

/**
 * The server's clock minus ours, or minus its own monotonic one where it tells that; only changes of it mean anything.
 * @param {unknown} meta
 * @param {unknown} time
 * @param {number} now
 * @returns {{seconds: number, daily: boolean}}
 */
function clockOffset(meta, time, now) {
  const stamp = num(own(meta, 'ts'))
  const mono = num(own(meta, 'mono'))
  if (stamp === stamp && mono === mono) return { seconds: stamp - mono, daily: false }
  const parts = typeof time === 'string' ? /^(\d\d):(\d\d):(\d\d)$/.exec(time) : null
  if (!parts) return { seconds: NaN, daily: true }
  const [, hours, minutes, seconds] = parts
  return { seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) - now / 1000, daily: true }
}
