// One connection to a server: opened, greeted, read within limits, and opened again when it ends.

import { decode, encode } from './protocol.js'
import { isObject, parseObject } from './values.js'

const MAX_LENGTH = 1_000_000
// Per second. A page that slept gets those of two seconds at once.
const MAX_RATE = 10
// Dropping costs too: after so many, the connection is not worth it.
const FLOOD_POINTS = 200
const FLOOD_PERIOD = 10_000
const LONG_POINTS = 10

class MessageLimit {
  dropped = { large: 0, fast: 0, broken: 0 }

  #allowance = { left: MAX_RATE, at: 0 }
  #flood = { points: 0, since: 0 }

  refuses(message, now) {
    if (message.length > MAX_LENGTH) return 'large'
    const allowance = this.#allowance
    const earned = ((now - allowance.at) / 1000) * MAX_RATE
    const left = Math.min(MAX_RATE * 2, allowance.left + earned) - 1
    this.#allowance = { left: Math.max(0, left), at: now }
    return left < 0 ? 'fast' : undefined
  }

  /** Whether it is a flood. */
  drop(why, now) {
    this.dropped[why]++
    if (now - this.#flood.since > FLOOD_PERIOD) this.#flood = { points: 0, since: now }
    this.#flood.points += why === 'large' ? LONG_POINTS : 1
    if (this.#flood.points < FLOOD_POINTS) return false
    this.#flood.points = 0
    return true
  }
}

// Milliseconds.
const OPEN_TIMEOUT = 15_000
const SILENCE = 30_000
const MAX_RETRY_DELAY = 30_000
const FLOOD_DELAY = 60_000
const RETRY_DELAY = 1000
// A service that restarts is back in a moment.
const RESTART_RETRY_DELAY = 300

// Connections that a page may have: browsers refuse more without saying why.
const BROWSER_LIMIT = navigator.userAgent.includes('Firefox') ? 200 : 255
const open = new Set()

const MAX_PLUGINS = 200
const PLUGIN_NAME = /^[^,:\s]{1,64}$/

/** What a server says before it closes. @type {{ start: string, phase: Phase }[]} */
const REFUSALS = [
  { start: 'Not authorized', phase: 'token' },
  { start: 'Too many clients', phase: 'full' },
  { start: 'Origin not allowed', phase: 'origin' },
  { start: 'Server is', phase: 'refused' },
]

/** The close that follows these tells nothing new. @type {Phase[]} */
const TOLD = ['full', 'origin', 'refused', 'flood']

// RFC 6455, with 1001: a service that stops or restarts.
const GOING_AWAY = 1001
const SERVICE_RESTART = 1012

// From https only wss may be opened, except to this very machine.
const isMixed = (url) => (
  location.protocol === 'https:' && /^ws:\/\/(?!localhost[:/]|127\.|\[::1\])/i.test(url)
)

export class Connection {
  token = ''
  /** @type {Phase} */
  phase = 'stopped'
  detail = ''
  /** Milliseconds since 1970, 0 without a next try. */
  retryAt = 0
  lastPush = 0
  legacy = false
  /** It stays when the connection ends. @type {Push} */
  push = {}
  /** The answer to `info`. @type {ServerInfo | null} */
  info = null

  /** @type {WebSocket | null} */
  #socket = null
  #chosen = ''
  #attempts = 0
  #timer = 0
  #limit = new MessageLimit()
  #heard

  /** @param {string} url @param {number} interval @param {(what: string) => void} heard */
  constructor(url, interval, heard) {
    this.url = url
    this.interval = interval
    this.#heard = heard
  }

  get dropped() {
    return this.#limit.dropped
  }

  start() {
    this.close()
    this.#attempts = 0
    this.#open()
  }

  stop() {
    this.#send('stop')
    this.close()
    this.enter('stopped')
  }

  /** @param {number} seconds */
  setInterval(seconds) {
    this.interval = seconds
    this.#send('interval', String(seconds))
  }

  /** @param {string[]} names */
  setPlugins(names) {
    const chosen = names.join()
    if (!this.info || chosen === this.#chosen) return
    this.#chosen = chosen
    this.#send('plugins', chosen)
  }

  /** Gives up on a server that neither sends nor closes. */
  checkSilence() {
    const limit = SILENCE + this.interval * 3000
    if (this.phase === 'live' && Date.now() - this.lastPush > limit) this.#giveUp('closed')
  }

  /** What it says from now on is not heard. */
  close() {
    clearTimeout(this.#timer)
    open.delete(this)
    const socket = this.#socket
    this.#socket = null
    this.#chosen = ''
    socket?.close()
  }

  /** @param {Phase} phase @param {string} [detail] @param {number} [retryAt] */
  enter(phase, detail = '', retryAt = 0) {
    this.phase = phase
    this.detail = detail
    this.retryAt = retryAt
    this.#heard('state')
  }

  #send(name, ...args) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encode(name, args))
  }

  #open() {
    this.info = null
    this.legacy = false
    this.lastPush = 0
    if (isMixed(this.url)) {
      this.enter('mixed')
      return
    }
    try {
      this.#listen(new WebSocket(this.url))
      this.enter('connecting')
    } catch (error) {
      this.enter('refused', String(error))
    }
  }

  #listen(socket) {
    this.#socket = socket
    open.add(this)
    const isOurs = () => this.#socket === socket
    socket.onopen = () => isOurs() && this.#greet()
    socket.onmessage = ({ data }) => isOurs() && this.#receive(data)
    socket.onclose = (event) => isOurs() && this.#closed(event)
    // A host that drops packets would be "connecting" for minutes.
    this.#timer = setTimeout(() => socket.close(), OPEN_TIMEOUT)
  }

  #greet() {
    clearTimeout(this.#timer)
    if (this.token) this.#send('auth', this.token)
    this.#send('interval', String(this.interval))
    this.#send('start')
    this.#send('info')
    this.enter('waiting')
  }

  #receive(data) {
    if (typeof data !== 'string') return
    const why = this.#limit.refuses(data, performance.now())
    if (why) {
      this.#drop(why)
      return
    }
    const { name, args: [text = ''] } = decode(data)
    if (name === 'push') this.#receivePush(text)
    else if (name === 'info') this.#receiveInfo(text)
    else if (name === 'error') this.#receiveError(text.slice(0, 300))
  }

  #receivePush(text) {
    const push = parseObject(text)
    if (!push) {
      this.#drop('broken')
      return
    }
    this.push = push
    this.lastPush = Date.now()
    this.#attempts = 0
    if (this.phase !== 'live') this.enter('live')
    this.#heard('push')
  }

  #receiveInfo(text) {
    const answer = parseObject(text)
    const plugins = Object.entries(answer?.plugins ?? {}).slice(0, MAX_PLUGINS)
      .filter(([name, about]) => isObject(about) && PLUGIN_NAME.test(name))
    this.info = { ...answer, plugins: new Map(plugins) }
    this.#heard('info')
  }

  // Not every error ends a session: a server without a token says `Auth failed`, and works.
  #receiveError(text) {
    if (text === 'Unknown command') this.legacy = true
    const phase = REFUSALS.find(({ start }) => text.startsWith(start))?.phase
    if (phase) this.enter(phase, text, this.retryAt)
    else this.enter(this.phase, this.detail, this.retryAt)
  }

  #closed({ code, reason }) {
    const { phase } = this
    this.close()
    // No try without a token: each one that fails counts against the address.
    if (phase === 'token') return
    if (!TOLD.includes(phase)) {
      this.phase = phaseAfter(phase, code)
      this.detail = this.phase === 'crowd' ? String(open.size) : reason
    }
    this.#retry()
  }

  // A random delay: a server that comes back must not meet all its clients at once.
  #retry(delay) {
    const first = this.phase === 'restarting' ? RESTART_RETRY_DELAY : RETRY_DELAY
    const longest = delay ?? Math.min(MAX_RETRY_DELAY, first * 2 ** this.#attempts)
    const wait = longest * (0.5 + Math.random() / 2)
    this.#attempts++
    this.#timer = setTimeout(() => this.#open(), wait)
    this.enter(this.phase, this.detail, Date.now() + wait)
  }

  #giveUp(phase, delay) {
    this.close()
    this.phase = phase
    this.#retry(delay)
  }

  #drop(why) {
    if (this.#limit.drop(why, performance.now())) this.#giveUp('flood', FLOOD_DELAY)
    else this.#heard('state')
  }
}

function phaseAfter(before, code) {
  if (code === GOING_AWAY || code === SERVICE_RESTART) return 'restarting'
  if (before !== 'connecting') return 'closed'
  // A browser that has no connection left says the same as a host that does not answer.
  return open.size < BROWSER_LIMIT ? 'unreachable' : 'crowd'
}
