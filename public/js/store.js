// The one configuration in use: where it came from, where it is kept, and the tokens beside it. Announces `config`.

import { checkConfig, ConfigError, parseConfig, serialise, urlOf } from './config.js'

/** @typedef {import('./types.js').Config} Config */
/** @typedef {import('./types.js').ServerConfig} ServerConfig */

const KEY = 'rtstat.config'
/** Where the original's page kept its configuration. */
const ORIGINAL_KEY = 'rtStatMonitoringConfig'
const TOKENS = 'rtstat.tokens'
const UNDO = 20

class Store extends EventTarget {
  constructor() {
    super()
    /** @type {Config} */
    this.config = { version: 1, columns: [] }
    /** What is wrong with the configuration that was to be loaded. @type {{source: string, error: unknown}|null} */
    this.problem = null
    /** @type {Config[]} */
    this.past = []
    /** Whether tokens are written into local storage with the configuration. */
    this.rememberTokens = false
  }

  /**
   * Saved configuration first, then the original's, then the default file.
   * @param {unknown} fallback
   */
  load(fallback) {
    const saved = read(localStorage, KEY)
    const old = saved === null ? read(localStorage, ORIGINAL_KEY) : null
    const source = saved ?? old
    if (source !== null) {
      try {
        this.config = parseConfig(source)
        this.rememberTokens = hasToken(this.config)
        if (saved === null) this.keep()
        return
      } catch (error) {
        this.problem = { source: saved === null ? ORIGINAL_KEY : KEY, error }
      }
    }
    if (fallback === undefined) return
    try {
      this.config = checkConfig(fallback)
      this.rememberTokens = hasToken(this.config)
    } catch (error) {
      this.problem ??= { source: 'monitoring-default-config.js', error }
    }
  }

  /**
   * Takes a whole configuration, keeps it, and can take it back.
   * @param {Config} config
   */
  replace(config) {
    this.past.push(this.config)
    if (this.past.length > UNDO) this.past.shift()
    this.config = config
    this.keep()
    this.dispatchEvent(new Event('config'))
  }

  undo() {
    const before = this.past.pop()
    if (!before) return
    this.config = before
    this.keep()
    this.dispatchEvent(new Event('config'))
  }

  /**
   * Changes a copy, so that what others hold stays as it was.
   * @param {(config: Config) => void} change
   * @param {() => void} [before] done once the copy has proved right, before anybody hears of it
   */
  edit(change, before) {
    const copy = structuredClone(this.config)
    change(copy)
    const checked = checkConfig(copy)
    before?.()
    this.replace(checked)
  }

  /** Forgets what was saved; the default file rules again after a reload. */
  forget() {
    for (const key of [KEY, ORIGINAL_KEY]) localStorage.removeItem(key)
    sessionStorage.removeItem(TOKENS)
  }

  keep() {
    write(localStorage, KEY, serialise(this.config, this.rememberTokens))
  }

  /**
   * The token of a server: its configuration's, else the one typed in this session for this very URL, so that a changed
   * host never gets another server's token.
   * @param {ServerConfig} server
   */
  tokenOf(server) {
    return server.token || (this.sessionTokens()[`${server.id} ${urlOf(server.host, location.href)}`] ?? '')
  }

  /**
   * @param {ServerConfig} server
   * @param {string} token
   * @param {boolean} remember beyond this session
   */
  setToken(server, token, remember) {
    this.holdToken(server, remember ? '' : token)
    if (remember && token) this.rememberTokens = true
    for (const column of this.config.columns) {
      for (const one of column.servers) if (one.id === server.id) one.token = remember ? token : ''
    }
    if (remember || server.token) this.keep()
    server.token = remember ? token : ''
  }

  /**
   * For this session only.
   * @param {ServerConfig} server
   * @param {string} token
   */
  holdToken(server, token) {
    const tokens = this.sessionTokens()
    const key = `${server.id} ${urlOf(server.host, location.href)}`
    if (token) tokens[key] = token
    else delete tokens[key]
    write(sessionStorage, TOKENS, JSON.stringify(tokens))
  }

  /** @returns {Record<string, string>} */
  sessionTokens() {
    try {
      const value = JSON.parse(read(sessionStorage, TOKENS) ?? '{}')
      return typeof value === 'object' && value !== null ? value : {}
    } catch {
      return {}
    }
  }
}

/** @param {Config} config */
function hasToken(config) {
  return config.columns.some((column) => column.servers.some((server) => server.token !== ''))
}

/**
 * @param {Storage} storage
 * @param {string} key
 */
function read(storage, key) {
  try {
    return storage.getItem(key)
  } catch {
    return null
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {string} value
 */
function write(storage, key, value) {
  try {
    storage.setItem(key, value)
  } catch {
    // Full or forbidden: what is set lasts until the page is left.
  }
}

export const store = new Store()
export { ConfigError }
