// The configuration and its servers, kept. Announces `servers` and `alert`.

import {checkConfig, parseConfig, serialise, urlOf} from './config.js'
import {parsed, Teller} from './format.js'
import {Server} from './server.js'

const KEY = 'rtstat.config'
const ORIGINAL_KEY = 'rtStatMonitoringConfig'
const TOKENS = 'rtstat.tokens'
const AT_ONCE = 8

/** Storage may be full or forbidden; null removes. @param {'localStorage'|'sessionStorage'} storage @param {any} [value] */
export function stored(storage, key, value) {
	try {
		const box = window[storage]
		return value === undefined ? box.getItem(key) : value === null ? box.removeItem(key) : box.setItem(key, value)
	} catch {return null}
}
const tokenKey = server => `${server.id} ${urlOf(server.host, location.href)}`

class Store extends Teller {
	config = checkConfig({columns: []})
	servers = new Map()
	past = []

	get list() {
		return [...this.servers.values()]
	}

	/** Saved, else the original’s, else the default; gives what was wrong. */
	load(fallback) {
		const saved = [KEY, ORIGINAL_KEY].find(key => stored('localStorage', key) !== null)
		let problem = /** @type {any} */ (null)
		const use = (source, make) => {
			try {
				this.config = make()
				return true
			} catch (error) {
				problem ??= {source, error}
			}
		}
		const read = saved && use(saved, () => parseConfig(stored('localStorage', saved)))
		if (read && saved === ORIGINAL_KEY) this.keep()
		if (!read && fallback !== undefined) use('monitoring-default-config.js', () => checkConfig(fallback))
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

	/** @param {(config: Config) => void} change @param {() => void} before anybody hears of it */
	edit(change, before = () => {}) {
		const copy = structuredClone(this.config)
		change(copy)
		const checked = checkConfig(copy)
		before()
		this.replace(checked)
	}

	keep() {
		stored('localStorage', KEY, serialise(this.config, true))
	}

	forget() {
		for (const key of [KEY, ORIGINAL_KEY]) stored('localStorage', key, null)
		stored('sessionStorage', TOKENS, null)
	}

	sync() {
		const next = new Map()
		const fresh = []
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
				made.addEventListener('alert', () => this.tell('alert'))
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

	/** By URL: a changed host gets no other’s token. */
	tokenOf(server) {
		return server.token || (this.held()[tokenKey(server)] ?? '')
	}

	setToken(server, token, remember) {
		const {[tokenKey(server)]: _, ...others} = this.held()
		stored('sessionStorage', TOKENS, JSON.stringify(remember || !token ? others : {...others, [tokenKey(server)]: token}))
		server.token = remember ? token : ''
		for (const one of this.all()) if (one.id === server.id) one.token = server.token
		this.keep()
	}

	held() {
		return parsed(stored('sessionStorage', TOKENS)) ?? {}
	}
}

export const store = new Store()
