// All watched servers, made from the configuration and kept over its changes: one whose address, interval and token stay
// the same keeps its connection and its history. Announces `servers`.

import { Server } from './server.js'
import { store } from './store.js'

/** @typedef {import('./types.js').ServerConfig} ServerConfig */

/** Connections are opened a few at a time, so that fifty do not make one long task. */
const STARTS_AT_ONCE = 8

class Fleet extends EventTarget {
  constructor() {
    super()
    /** @type {Map<string, Server>} */
    this.servers = new Map()
  }

  /** Follows the configuration. */
  sync() {
    /** @type {Map<string, Server>} */
    const next = new Map()
    /** @type {Server[]} */
    const fresh = []
    for (const column of store.config.columns) {
      for (const config of column.servers) {
        const known = this.servers.get(config.id)
        if (known && known.config.host === config.host) {
          const restart = known.config.token !== config.token && known.phase !== 'stopped'
          const paced = known.config.interval !== config.interval
          known.config = config
          if (restart) known.start()
          else if (paced) known.setInterval(config.interval)
          next.set(config.id, known)
        } else {
          const server = new Server(config)
          next.set(config.id, server)
          if (config.autoStart) fresh.push(server)
        }
      }
    }
    for (const [id, server] of this.servers) if (next.get(id) !== server) server.dispose()
    this.servers = next
    this.dispatchEvent(new Event('servers'))
    startInTurn(fresh)
  }

  get list() {
    return [...this.servers.values()]
  }
}

/** @param {Server[]} servers */
function startInTurn(servers) {
  for (const server of servers.slice(0, STARTS_AT_ONCE)) server.start()
  if (servers.length > STARTS_AT_ONCE) setTimeout(() => startInTurn(servers.slice(STARTS_AT_ONCE)), 0)
}

export const fleet = new Fleet()
