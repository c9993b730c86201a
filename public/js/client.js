// One connection to one server: opens it, greets, asks, takes pushes, and comes back after a loss. Owns the socket and its
// timers; knows nothing of figures or elements.

import { decode, encode } from './protocol.js'

/** @typedef {import('./types.js').Phase} Phase */
/** @typedef {import('./types.js').Info} Info */
/** @typedef {import('./types.js').PluginInfo} PluginInfo */

/** Longest message taken, in characters. */
export const MAX_MESSAGE = 1_000_000
/** Pushes taken a second; a server that sends faster is read at this pace and told of. */
export const MAX_RATE = 10
/** Dropped messages in a row of ten seconds after which the connection is not worth its cost. */
const FLOOD = 200
const FIRST_RETRY = 1000
const MAX_RETRY = 30_000
/** After a flood there is no hurry. */
const FLOOD_RETRY = 60_000
const MAX_PLUGINS = 200
/** How long a connection may take to open, in milliseconds. */
const OPEN_TIMEOUT = 15_000

/**
 * Announces `state` when the phase or the retry time changes, `push`, `info` and `error` (an answer the server gave).
 */
export class Client extends EventTarget {
  /**
   * @param {{url: string, interval: number, token: string}} options `interval` in seconds
   */
  constructor({ url, interval, token }) {
    super()
    this.url = url
    this.interval = interval
    this.token = token
    /** @type {Phase} */
    this.phase = 'stopped'
    /** The last words of the server or of the browser about the phase; not to be trusted. */
    this.detail = ''
    this.retryAt = 0
    /** A server that does not know `info`: the original, or one as old. */
    this.legacy = false
    this.version = ''
    this.dropped = { large: 0, fast: 0, broken: 0 }
    /** @type {import('./types.js').Push} */
    this.push = {}
    /** @type {Info|null} */
    this.info = null
    /** When the last push came, on the clock of `Date.now()`; 0 when none did since the connection opened. */
    this.lastPush = 0
    /** @type {WebSocket|null} */
    this.socket = null
    this.attempts = 0
    this.timer = 0
    this.openTimer = 0
    this.allowance = MAX_RATE
    this.allowanceAt = 0
    this.floodAt = 0
    this.floodCount = 0
    /** @type {string[]|null} */
    this.plugins = null
  }

  /** Connects and goes on trying until `stop`. */
  start() {
    this.stopTimers()
    this.close()
    this.open()
  }

  stop() {
    this.stopTimers()
    this.send('stop')
    this.close()
    this.attempts = 0
    this.enter('stopped')
  }

  /** @param {number} seconds */
  setInterval(seconds) {
    this.interval = seconds
    this.send('interval', [String(seconds)])
  }

  /**
   * Which keys the pushes hold; a legacy server is not bothered.
   * @param {string[]} names
   */
  setPlugins(names) {
    if (this.legacy || !this.info || names.join() === this.plugins?.join()) return
    this.plugins = names
    this.send('plugins', names.length ? [names.join(',')] : [])
  }

  /**
   * @param {string} name
   * @param {string[]} [args]
   */
  send(name, args) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(name, args))
  }

  open() {
    if (needsTls(this.url)) {
      this.enter('mixed')
      return
    }
    /** @type {WebSocket} */
    let socket
    try {
      socket = new WebSocket(this.url)
    } catch (error) {
      this.enter('refused', String(/** @type {Error} */ (error).message))
      return
    }
    this.socket = socket
    this.legacy = false
    this.plugins = null
    this.lastPush = 0
    this.openTimer = window.setTimeout(() => socket.close(), OPEN_TIMEOUT)
    this.enter('connecting')
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => this.socket === socket && this.greet())
    socket.addEventListener('message', (event) => this.socket === socket && this.receive(event.data))
    socket.addEventListener('close', (event) => this.socket === socket && this.closed(event))
  }

  /** Everything at once, as the original's page does: answers keep the order of the commands. */
  greet() {
    clearTimeout(this.openTimer)
    if (this.token) this.send('auth', [this.token])
    this.send('interval', [String(this.interval)])
    this.send('start')
    this.send('info')
    this.enter('waiting')
  }

  /** @param {unknown} data */
  receive(data) {
    if (typeof data !== 'string') return
    if (data.length > MAX_MESSAGE) {
      this.drop('large')
      return
    }
    const push = data.startsWith('Push::') || data.startsWith('push::')
    if (!this.allow()) {
      this.drop('fast')
      return
    }
    const { name, args } = decode(data)
    const text = args[0] ?? ''
    if (push || name === 'push') this.take(text)
    else if (name === 'info') this.learn(text)
    else if (name === 'welcome') this.version = text.slice(0, 80)
    else if (name === 'error') this.refused(text.slice(0, 300))
  }

  /** @param {string} text */
  take(text) {
    const push = parseObject(text)
    if (!push) {
      this.drop('broken')
      return
    }
    this.push = push
    this.lastPush = Date.now()
    this.attempts = 0
    if (this.phase !== 'live') this.enter('live')
    this.dispatchEvent(new Event('push'))
  }

  /** @param {string} text */
  learn(text) {
    const answer = parseObject(text)
    if (!answer) return
    const given = answer.plugins
    const plugins = new Map()
    if (typeof given === 'object' && given !== null) {
      for (const [name, about] of Object.entries(given).slice(0, MAX_PLUGINS)) {
        if (typeof about === 'object' && about !== null && name.length <= 64) plugins.set(name, about)
      }
    }
    this.info = { ...answer, plugins }
    this.dispatchEvent(new Event('info'))
  }

  /**
   * `Auth failed` alone means little: a server without a token answers so and works. What counts is that `start` is refused.
   * @param {string} text
   */
  refused(text) {
    if (text === 'Not authorized') this.enter('token', text)
    else if (text === 'Too many clients') this.enter('full', text)
    else if (text.startsWith('Origin not allowed')) this.enter('origin', text)
    else if (text === 'Unknown command') this.legacy = true
    else if (text.startsWith('Server is')) this.enter('refused', text)
    this.dispatchEvent(new CustomEvent('error', { detail: text }))
  }

  /** @param {CloseEvent} event */
  closed(event) {
    clearTimeout(this.openTimer)
    this.socket = null
    this.lastPush = 0
    /** What the server said before it closed stays said. */
    const said = this.phase === 'full' || this.phase === 'origin' || this.phase === 'refused' || this.phase === 'token'
    if (!said) {
      if (event.code === 1001 || event.code === 1012) this.phase = 'restarting'
      else this.phase = this.phase === 'connecting' ? 'unreachable' : 'closed'
      this.detail = event.reason.slice(0, 200)
    }
    // A wrong token does not become right by trying, and each try counts against the address.
    if (this.phase === 'token') this.enter('token', this.detail)
    else this.retry(this.phase === 'restarting' && this.attempts === 0 ? 300 : FIRST_RETRY)
  }

  /**
   * Full jitter on a doubling ceiling, so that a hundred pages do not knock at once.
   * @param {number} first
   * @param {number} [most]
   */
  retry(first, most = MAX_RETRY) {
    const ceiling = Math.min(most, first * 2 ** Math.min(this.attempts, 10))
    const delay = ceiling / 2 + Math.random() * (ceiling / 2)
    this.attempts++
    this.timer = window.setTimeout(() => this.open(), delay)
    this.enter(this.phase, this.detail, Date.now() + delay)
  }

  /**
   * A connection that is open and silent is given up: a dead peer does not say so.
   * @param {number} now
   */
  checkSilence(now) {
    if (this.phase === 'live' && now - this.lastPush > 30_000 + this.interval * 3000) {
      this.close()
      this.phase = 'closed'
      this.retry(FIRST_RETRY)
    }
  }

  /** Ten a second, with a second's worth in hand. */
  allow() {
    const now = performance.now()
    this.allowance = Math.min(MAX_RATE * 2, this.allowance + ((now - this.allowanceAt) / 1000) * MAX_RATE)
    this.allowanceAt = now
    if (this.allowance < 1) return false
    this.allowance--
    return true
  }

  /** @param {'large'|'fast'|'broken'} why */
  drop(why) {
    this.dropped[why]++
    const now = performance.now()
    if (now - this.floodAt > 10_000) {
      this.floodAt = now
      this.floodCount = 0
    }
    // A large message costs the browser more than a quick one.
    this.floodCount += why === 'large' ? 10 : 1
    if (this.floodCount >= FLOOD) {
      this.floodCount = 0
      this.close()
      this.phase = 'flood'
      this.attempts = 0
      this.retry(FLOOD_RETRY, FLOOD_RETRY)
    } else this.dispatchEvent(new Event('dropped'))
  }

  /**
   * @param {Phase} phase
   * @param {string} [detail]
   * @param {number} [retryAt]
   */
  enter(phase, detail = '', retryAt = 0) {
    this.phase = phase
    this.detail = detail
    this.retryAt = retryAt
    this.dispatchEvent(new Event('state'))
  }

  close() {
    const socket = this.socket
    this.socket = null
    clearTimeout(this.openTimer)
    socket?.close()
  }

  stopTimers() {
    clearTimeout(this.timer)
    clearTimeout(this.openTimer)
    this.retryAt = 0
  }
}

/**
 * A page that came over https may not open ws, except to this very machine.
 * @param {string} url
 */
function needsTls(url) {
  return location.protocol === 'https:' && /^ws:\/\/(?!localhost[:/]|127\.|\[::1\])/i.test(url)
}

/**
 * @param {string} text
 * @returns {Record<string, unknown>|null}
 */
function parseObject(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}
