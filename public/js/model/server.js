// One watched server: its connection, its history, and what they mean.

import { socketUrl } from '../config/config.js'
import { Connection } from './connection.js'
import { addSample, Alerts, KNOWN_KEYS } from './figures.js'
import { History } from './history.js'
import { Announcer, at, finite, plainText, rowsOf, uptimeSeconds } from './values.js'

const DAY = 86_400
// Seconds. The words of uptime are rounded to minutes.
const UPTIME_TOLERANCE = 90
const CLOCK_TOLERANCE = 3
const MAX_MISSED = 1e6
const MAX_MARKS = 20

const NOTHING = { seq: NaN, clock: NaN, time: NaN }

class Continuity {
  /** @type {Mark[]} */
  marks = []
  missed = 0

  #boot = ''
  #uptime = NaN
  #last = NOTHING

  /** A connection that has ended has missed nothing. */
  interrupt() {
    this.#last = NOTHING
  }

  take(push, now, interval) {
    const meta = at(push, '_meta')
    this.#noticeReboot(push, meta, now)
    const clock = this.#noticeJump(push, meta, now)
    const seq = finite(at(meta, 'seq'))
    this.#noticeMissed(seq, now, interval)
    this.#last = { seq, clock, time: now }
  }

  #noticeReboot(push, meta, now) {
    const boot = plainText(at(meta, 'boot'), 64)
    const uptime = uptimeSeconds(at(push, 'uptime', 'uptime'))
    const rebooted = boot && this.#boot
      ? boot !== this.#boot
      : uptime < this.#uptime - UPTIME_TOLERANCE
    if (rebooted) this.#mark(now, 'rebooted')
    this.#boot = boot || this.#boot
    if (uptime >= 0) this.#uptime = uptime
  }

  // By the server's monotonic clock; without one, by its time of day and our clock.
  #noticeJump(push, meta, now) {
    const offset = finite(at(meta, 'ts')) - finite(at(meta, 'mono'))
    const isExact = !Number.isNaN(offset)
    const clock = isExact ? offset : secondsOfDay(at(push, 'uptime', 'time')) - now / 1000
    const jump = Math.abs(clock - this.#last.clock)
    // A time of day that passes midnight has not jumped.
    const moved = isExact ? jump : Math.min(jump % DAY, DAY - (jump % DAY))
    if (moved > CLOCK_TOLERANCE) this.#mark(now, 'clock jumped')
    return clock
  }

  #noticeMissed(seq, now, interval) {
    const steps = Number.isNaN(seq)
      ? Math.round((now - this.#last.time) / (interval * 1000))
      : seq - this.#last.seq
    const missed = steps - 1
    if (missed > 0 && missed < MAX_MISSED) this.missed += missed
  }

  #mark(time, kind) {
    this.marks = [...this.marks.slice(-MAX_MARKS), { time, kind }]
  }
}

function secondsOfDay(time) {
  if (!/^\d\d:\d\d:\d\d$/.test(plainText(time))) return NaN
  const [hours, minutes, seconds] = plainText(time).split(':').map(Number)
  return hours * 3600 + minutes * 60 + seconds
}

// What the original's server sends without being asked: a choice of plugins must not end it.
const ALWAYS = ['cpu_stat', 'meminfo', 'processes', 'uptime']

// They have no section in which a note could stand.
const NO_SECTION = ['processes', 'uptime', 'procs', 'self']

/** Announces `push`, `state` and `alert`. */
export class Server extends Announcer {
  history = new History()
  alerts = new Alerts()
  continuity = new Continuity()
  /** Interfaces that are up, or were: only such a one is missed. @type {string[]} */
  links = []

  #tokenOf
  // Processes are measured only while somebody looks: it costs.
  #wantsProcesses = false

  /** @param {ServerConfig} config @param {(config: ServerConfig) => string} tokenOf */
  constructor(config, tokenOf) {
    super()
    this.config = config
    this.#tokenOf = tokenOf
    this.url = socketUrl(config.host, location.href)
    this.connection = new Connection(this.url, config.interval, (what) => this.#heard(what))
  }

  get push() {
    return this.connection.push
  }

  get phase() {
    return this.connection.phase
  }

  /** Milliseconds without a push after which something is wrong. */
  get gap() {
    return Math.max(this.connection.interval * 2500, 2000)
  }

  /** Seconds; 0 while it sends, or need not. */
  staleFor() {
    const silent = Date.now() - this.connection.lastPush
    return this.phase === 'live' && silent > this.gap ? silent / 1000 : 0
  }

  start() {
    this.connection.token = this.#tokenOf(this.config)
    this.connection.interval = this.config.interval
    this.connection.start()
  }

  stop() {
    this.connection.stop()
  }

  /** On the running connection where that can be. @param {ServerConfig} config */
  reconfigure(config) {
    const { interval } = this.config
    this.config = config
    if (this.phase === 'stopped') return
    if (this.connection.token !== this.#tokenOf(config)) this.start()
    else if (interval !== config.interval) this.connection.setInterval(config.interval)
  }

  /** @param {boolean} wanted */
  wantProcesses(wanted) {
    this.#wantsProcesses = wanted
    this.#choosePlugins()
  }

  /** Keys of the last push that only the section of plugins can show. */
  unknownKeys() {
    return Object.keys(this.push).filter((key) => !KNOWN_KEYS.has(key))
  }

  /** Plugins that are not there, or have a note but no section for it. */
  remarkedPlugins() {
    return this.#plugins()
      .filter(({ name, about }) => (
        at(about, 'reason') || (at(about, 'note') && NO_SECTION.includes(name))
      ))
      .map(({ name }) => name)
  }

  #plugins() {
    return [...this.connection.info?.plugins ?? []].map(([name, about]) => ({ name, about }))
  }

  #choosePlugins() {
    const offered = this.#plugins()
      .filter(({ about }) => !at(about, 'reason'))
      .map(({ name }) => name)
      .filter((name) => name !== 'top' || this.#wantsProcesses)
    this.connection.setPlugins([...new Set([...ALWAYS, ...offered])])
  }

  #heard(what) {
    if (what === 'push') {
      this.#takePush()
      return
    }
    if (what === 'info') this.#choosePlugins()
    else if (this.phase !== 'live') this.#interrupt()
    this.announce('state')
  }

  #interrupt() {
    this.continuity.interrupt()
    this.alerts = new Alerts()
    this.announce('alert')
  }

  #takePush() {
    const { push, lastPush, interval } = this.connection
    this.continuity.take(push, lastPush, interval)
    this.links = rowsOf(at(push, 'net', 'if')).rows
      .filter(({ key, value }) => at(value, 'up') || this.links.includes(key))
      .map(({ key }) => key)
    addSample(push, this.history, lastPush)
    const newest = this.history.length - 1
    const figure = (name) => this.history.valueAt(name, newest)
    const ratios = { cpu: figure('cpu'), memory: figure('memory'), swap: figure('swap') }
    if (this.alerts.update(ratios, this.config.thresholds, lastPush)) this.announce('alert')
    this.announce('push')
  }
}
