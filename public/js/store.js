// The configuration in use, where it and the tokens are kept, the servers made from it. Announces `servers`.

import { checkConfig, parseConfig, serialise, urlOf } from './config.js'
import { Server } from './server.js'
import { parsed } from './values.js'

/** @typedef {import('./types.js').Config} Config */
/** @typedef {import('./types.js').ServerConfig} ServerConfig */

const KEY = 'rtstat.config'
/** Where the original's page kept its own. */
const ORIGINAL_KEY = 'rtStatMonitoringConfig'
const TOKENS = 'rtstat.tokens'
/** Connections are opened a few at a time, so that fifty do not make one long task. */
const AT_ONCE = 8

/** Reads or writes a text; storage may be full or forbidden, and the page works without. */
export function stored(storage, key, value) {
	try {
		return value === undefined ? storage().getItem(key) : storage().setItem(key, value)
	} catch {
		return null
	}
}
const local = () => localStorage
const session = () => sessionStorage
const tokenKey = (server) => `${server.id} ${urlOf(server.host, location.href)}`

class Store extends EventTarget {
	config = /** @type {Config} */ ({ version: 1, columns: [] })
	servers = /** @type {Map<string, Server>} */ (new Map())
	past = /** @type {Config[]} */ ([])
	/** Whether tokens are written into local storage with the configuration. */
	rememberTokens = false

	/** @returns {Server[]} */
	get list() {
		return [...this.servers.values()]
	}

	/** The saved configuration, else the original's, else the default file's; gives what was wrong. */
	load(fallback) {
		const saved = [KEY, ORIGINAL_KEY].find((key) => stored(local, key) !== null)
		const sources = { ...(saved && { [saved]: () => parseConfig(stored(local, saved)) }), ...(fallback !== undefined && { 'monitoring-default-config.js': () => checkConfig(fallback) }) }
		let problem = /** @type {{source: string, error: any}|null} */ (null)
		for (const [source, make] of Object.entries(sources)) {
			try {
				this.config = make()
				this.rememberTokens = this.all().some(({ token }) => token)
				if (source === ORIGINAL_KEY) this.keep()
				break
			} catch (error) {
				problem ??= { source, error }
			}
		}
		return problem
	}

	all(config = this.config) {
		return config.columns.flatMap(({ servers }) => servers)
	}

	/** Takes a whole configuration, keeps it, and can take it back. @param {Config} config */
	replace(config) {
		this.past = [...this.past.slice(-20), this.config]
		this.use(config)
	}

	undo() {
		const before = this.past.pop()
		if (before) this.use(before)
	}

	use(config) {
		this.config = config
		this.keep()
		this.sync()
	}

	/** Changes a checked copy; `before` is done before anybody hears of it. @param {(config: Config) => void} change */
	edit(change, before = () => {}) {
		const copy = structuredClone(this.config)
		change(copy)
		const checked = checkConfig(copy)
		before()
		this.replace(checked)
	}

	keep() {
		stored(local, KEY, serialise(this.config, this.rememberTokens))
	}

	/** What was saved goes; the default file rules again after a reload. */
	forget() {
		for (const key of [KEY, ORIGINAL_KEY]) localStorage.removeItem(key)
		sessionStorage.removeItem(TOKENS)
	}

	/** Servers follow the configuration; one whose address stays keeps its connection and its history. */
	sync() {
		const next = new Map()
		const fresh = /** @type {Server[]} */ ([])
		for (const config of this.all()) {
			let server = this.servers.get(config.id)
			if (server?.config.host === config.host) {
				const { interval } = server.config
				server.config = config
				if (server.phase !== 'stopped') {
					if (server.client.token !== server.token()) server.start()
					else if (interval !== config.interval) server.client.setInterval(config.interval)
				}
			} else {
				const made = server = new Server(config, () => this.tokenOf(made.config))
				if (config.autoStart) fresh.push(server)
			}
			next.set(config.id, server)
		}
		for (const server of this.list) if (next.get(server.config.id) !== server) server.client.stop()
		this.servers = next
		this.dispatchEvent(new Event('servers'))
		const start = () => {
			for (const server of fresh.splice(0, AT_ONCE)) server.start()
			if (fresh.length) setTimeout(start)
		}
		start()
	}

	/** The configuration's, else the one typed for this very URL: a changed host gets no other's token. */
	tokenOf(server) {
		return server.token || (this.held()[tokenKey(server)] ?? '')
	}

	/** For this session, or beyond it where asked. @param {ServerConfig} server */
	setToken(server, token, remember) {
		const { [tokenKey(server)]: _, ...others } = this.held()
		stored(session, TOKENS, JSON.stringify(remember || !token ? others : { ...others, [tokenKey(server)]: token }))
		server.token = remember ? token : ''
		for (const one of this.all()) if (one.id === server.id) one.token = server.token
		if (remember && token) this.rememberTokens = true
		this.keep()
	}

	/** @returns {Record<string, string>} */
	held() {
		return parsed(stored(session, TOKENS)) ?? {}
	}
}

export const store = new Store()
