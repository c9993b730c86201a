// The configuration and its servers, kept. Announces `servers`.

import {checkConfig, parseConfig, serialise, urlOf} from './config.js'
import {parsed, Teller} from './format.js'
import {Server} from './server.js'

const KEY = 'rtstat.config'
const ORIGINAL_KEY = 'rtStatMonitoringConfig'
const TOKENS = 'rtstat.tokens'
/** Opened a few at a time, so that fifty are no long task. */
const AT_ONCE = 8

/** Storage may be full or forbidden. */
export function stored(/** @type {'localStorage'|'sessionStorage'} */ storage, key, value) {
	try {
		return value === undefined ? window[storage].getItem(key) : window[storage].setItem(key, value)
	} catch {return null}
}
const tokenKey = server => `${server.id} ${urlOf(server.host, location.href)}`

class Store extends Teller {
	config = /** @type {Config} */ ({version: 1, columns: []})
	servers = new Map()
	past = /** @type {Config[]} */ ([])
	rememberTokens = false

	get list() {
		return [...this.servers.values()]
	}

	/** Saved, else the original’s, else the default; gives what was wrong. */
	load(fallback) {
		const saved = [KEY, ORIGINAL_KEY].find(key => stored('localStorage', key) !== null)
		const sources = {...(saved && {[saved]: () => parseConfig(stored('localStorage', saved))}), ...(fallback !== undefined && {'monitoring-default-config.js': () => checkConfig(fallback)})}
		let problem = null
		for (const [source, make] of Object.entries(sources)) {
			try {
				this.config = make()
				this.rememberTokens = this.all().some(({token}) => token)
				if (source === ORIGINAL_KEY) this.keep()
				break
			} catch (error) {
				problem ??= {source, error}
			}
		}
		return problem
	}

	all(config = this.config) {
		return config.columns.flatMap(({servers}) => servers)
	}

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

	/** `before` is done before anybody hears of it. @param {(config: Config) => void} change */
	edit(change, before = () => {}) {
		const copy = structuredClone(this.config)
		change(copy)
		const checked = checkConfig(copy)
		before()
		this.replace(checked)
	}

	keep() {
		stored('localStorage', KEY, serialise(this.config, this.rememberTokens))
	}

	forget() {
		for (const key of [KEY, ORIGINAL_KEY]) localStorage.removeItem(key)
		sessionStorage.removeItem(TOKENS)
	}

	/** A server whose address stays keeps its connection and history. */
	sync() {
		const next = new Map()
		const fresh = /** @type {Server[]} */ ([])
		for (const config of this.all()) {
			let server = this.servers.get(config.id)
			if (server?.config.host === config.host) {
				const {interval} = server.config
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
		this.tell('servers')
		const start = () => {
			for (const server of fresh.splice(0, AT_ONCE)) server.start()
			if (fresh.length) setTimeout(start)
		}
		start()
	}

	/** Kept by URL: a changed host gets no other’s token. */
	tokenOf(server) {
		return server.token || (this.held()[tokenKey(server)] ?? '')
	}

	setToken(server, token, remember) {
		const {[tokenKey(server)]: _, ...others} = this.held()
		stored('sessionStorage', TOKENS, JSON.stringify(remember || !token ? others : {...others, [tokenKey(server)]: token}))
		server.token = remember ? token : ''
		for (const one of this.all()) if (one.id === server.id) one.token = server.token
		if (server.token) this.rememberTokens = true
		this.keep()
	}

	held() {
		return parsed(stored('sessionStorage', TOKENS)) ?? {}
	}
}

export const store = new Store()
