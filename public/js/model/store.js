// The configuration and its servers. All changes go through here, and are kept.

import { checkConfig, parseConfig, serialise, serversOf, socketUrl } from '../config/config.js'
import { dropStored, keepStored, readStored } from '../config/storage.js'
import { Server } from './server.js'
import { Announcer, parseObject } from './values.js'

const TOKENS_KEY = 'rtstat.tokens'

// By URL too: a changed host must not be sent another's token.
const keyOf = (server) => `${server.id} ${socketUrl(server.host, location.href)}`

const kept = () => parseObject(readStored('sessionStorage', TOKENS_KEY)) ?? {}

const sessionToken = (server) => kept()[keyOf(server)] ?? ''

function keepSessionToken(server, token) {
  const { [keyOf(server)]: _, ...others } = kept()
  const next = token ? { ...others, [keyOf(server)]: token } : others
  keepStored('sessionStorage', TOKENS_KEY, JSON.stringify(next))
}

const forgetSessionTokens = () => dropStored('sessionStorage', TOKENS_KEY)

const KEY = 'rtstat.config'
const ORIGINAL_KEY = 'rtStatMonitoringConfig'
// To begin 200 connections in one task would hold up the page.
const STARTS_AT_ONCE = 8
const MAX_UNDO = 20

// Announces `servers` and `alert`.
class Store extends Announcer {
  config = checkConfig({ columns: [] })
  /** By id. @type {Map<string, Server>} */
  servers = new Map()

  #past = []

  get list() {
    return [...this.servers.values()]
  }

  /**
   * Saved, else the original's, else the default; gives what was wrong.
   * @param {unknown} fallback @returns {LoadProblem | null}
   */
  load(fallback) {
    /** @type {LoadProblem | null} */
    let problem = null
    const use = (source, make) => {
      try {
        this.config = make()
        return true
      } catch (error) {
        problem ??= { source, error }
        return false
      }
    }
    const saved = [KEY, ORIGINAL_KEY].find((key) => readStored('localStorage', key) !== null)
    const isRead = saved !== undefined
      && use(saved, () => parseConfig(readStored('localStorage', saved) ?? ''))
    // The original's is read once.
    if (isRead && saved === ORIGINAL_KEY) this.#keep()
    if (!isRead && fallback !== undefined) {
      use('monitoring-default-config.js', () => checkConfig(fallback))
    }
    return problem
  }

  /** @param {Config} config */
  replace(config) {
    this.#past = [...this.#past.slice(-MAX_UNDO), this.config]
    this.#use(config)
  }

  undo() {
    const before = this.#past.pop()
    if (before) this.#use(before)
  }

  /**
   * `before` is called once the change is found good.
   * @param {(config: Config) => unknown} change @param {() => void} [before]
   */
  edit(change, before = () => {}) {
    const copy = structuredClone(this.config)
    change(copy)
    const checked = checkConfig(copy)
    before()
    this.replace(checked)
  }

  forget() {
    for (const key of [KEY, ORIGINAL_KEY]) dropStored('localStorage', key)
    forgetSessionTokens()
  }

  /** A server whose host is the same keeps its connection. */
  sync() {
    const next = new Map()
    const starting = []
    for (const config of serversOf(this.config)) {
      const before = this.servers.get(config.id)
      if (before?.config.host === config.host) {
        before.reconfigure(config)
        next.set(config.id, before)
        continue
      }
      const server = this.#makeServer(config)
      if (config.autoStart) starting.push(server)
      next.set(config.id, server)
    }
    for (const server of this.list) {
      if (next.get(server.config.id) !== server) server.stop()
    }
    this.servers = next
    this.announce('servers')
    startSome(starting)
  }

  /** @param {ServerConfig} server */
  tokenOf(server) {
    return server.token || sessionToken(server)
  }

  /** @param {ServerConfig} server @param {string} token @param {boolean} remember */
  setToken(server, token, remember) {
    keepSessionToken(server, remember ? '' : token)
    server.token = remember ? token : ''
    // The given one may be a copy out of a dialog.
    for (const one of serversOf(this.config)) {
      if (one.id === server.id) one.token = server.token
    }
    this.#keep()
  }

  #use(config) {
    this.config = config
    this.#keep()
    this.sync()
  }

  #keep() {
    keepStored('localStorage', KEY, serialise(this.config, true))
  }

  #makeServer(config) {
    const server = new Server(config, (one) => this.tokenOf(one))
    server.addEventListener('alert', () => this.announce('alert'))
    return server
  }
}

function startSome(servers) {
  for (const server of servers.slice(0, STARTS_AT_ONCE)) server.start()
  const rest = servers.slice(STARTS_AT_ONCE)
  if (rest.length) setTimeout(() => startSome(rest))
}

export const store = new Store()
