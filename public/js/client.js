// One connection to one server: opens it, asks, takes pushes, comes back after a loss. Owns the socket and its timers; knows
// nothing of figures or elements. Announces `state`, `push` and `info`.

import { decode, encode } from './protocol.js'
import { isObject } from './values.js'

/** Longest message taken, in characters, and how many a second. */
const MAX_MESSAGE = 1_000_000
const MAX_RATE = 10
/** Dropped messages in ten seconds after which the connection is not worth its cost; a large one counts ten. */
const FLOOD = 200
const OPEN_TIMEOUT = 15_000
/** What the server said before it closed stays said. */
const SAID = ['full', 'origin', 'refused', 'token', 'flood']

export class Client extends EventTarget {
	constructor(url, interval, token) {
		super()
		this.url = url
		/** Seconds. */
		this.interval = interval
		this.token = token
		this.phase = /** @type {import('./types.js').Phase} */ ('stopped')
		/** The last words of the server about the phase. */
		this.detail = ''
		/** On the clock of `Date.now()`, as `lastPush`; 0 when there is none. */
		this.retryAt = 0
		this.lastPush = 0
		/** A server that does not know `info`: the original, or one as old. */
		this.legacy = false
		this.version = ''
		this.dropped = { large: 0, fast: 0, broken: 0 }
		this.push = /** @type {import('./types.js').Push} */ ({})
		this.info = /** @type {any} */ (null)
		this.socket = /** @type {WebSocket|null} */ (null)
		this.chosen = ''
		this.attempts = 0
		this.timer = 0
		this.allowance = { left: MAX_RATE, at: 0 }
		this.flood = { count: 0, at: 0 }
	}

	/** Connects, anew where it is connected, and goes on trying until `stop`. */
	start() {
		this.close()
		this.attempts = 0
		this.open()
	}

	stop() {
		this.send('stop')
		this.close()
		this.enter('stopped')
	}

	/** @param {number} seconds */
	setInterval(seconds) {
		this.interval = seconds
		this.send('interval', String(seconds))
	}

	/** Which keys the pushes hold; a server that did not answer `info` is not bothered. @param {string[]} names */
	setPlugins(names) {
		const chosen = names.join()
		if (!this.info || chosen === this.chosen) return
		this.chosen = chosen
		this.send('plugins', chosen)
	}

	/** @param {string} name @param {...string} args */
	send(name, ...args) {
		if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(name, args))
	}

	open() {
		this.info = null
		this.legacy = false
		this.lastPush = 0
		// A page that came over https may open wss alone, except to this very machine.
		if (location.protocol === 'https:' && /^ws:\/\/(?!localhost[:/]|127\.|\[::1\])/i.test(this.url)) return this.enter('mixed')
		try {
			const socket = this.socket = new WebSocket(this.url)
			const mine = (act) => (event) => this.socket === socket && act(event)
			socket.binaryType = 'arraybuffer'
			socket.onopen = mine(() => this.greet())
			socket.onmessage = mine(({ data }) => this.receive(data))
			socket.onclose = mine((event) => this.closed(event))
			this.timer = setTimeout(() => socket.close(), OPEN_TIMEOUT)
			this.enter('connecting')
		} catch (error) {
			this.enter('refused', String(error))
		}
	}

	/** All at once, as the original's page does: answers keep the order of the commands. */
	greet() {
		clearTimeout(this.timer)
		if (this.token) this.send('auth', this.token)
		this.send('interval', String(this.interval))
		this.send('start')
		this.send('info')
		this.enter('waiting')
	}

	receive(data) {
		if (typeof data !== 'string') return
		if (data.length > MAX_MESSAGE) return this.drop('large')
		const now = performance.now()
		const { allowance } = this
		// Ten a second, with as many in hand.
		allowance.left = Math.min(MAX_RATE * 2, allowance.left + ((now - allowance.at) / 1000) * MAX_RATE) - 1
		allowance.at = now
		if (allowance.left < 0) {
			allowance.left = 0
			return this.drop('fast')
		}
		const { name, args: [text = ''] } = decode(data)
		if (name === 'push') this.take(text)
		else if (name === 'info') this.learn(text)
		else if (name === 'welcome') this.version = text
		else if (name === 'error') this.hear(text.slice(0, 300))
	}

	take(text) {
		const push = parsed(text)
		if (!push) return this.drop('broken')
		this.push = push
		this.lastPush = Date.now()
		this.attempts = 0
		if (this.phase !== 'live') this.enter('live')
		this.dispatchEvent(new Event('push'))
	}

	learn(text) {
		const answer = parsed(text) ?? {}
		const offered = isObject(answer.plugins) ? Object.entries(answer.plugins) : []
		this.info = { ...answer, plugins: new Map(offered.slice(0, 200).filter(([name, about]) => isObject(about) && /^[^,:\s]{1,64}$/.test(name))) }
		this.dispatchEvent(new Event('info'))
	}

	/** `Auth failed` alone means little: a server without a token answers so and works. What counts is that `start` is refused. */
	hear(text) {
		if (text === 'Not authorized') this.enter('token', text)
		else if (text === 'Too many clients') this.enter('full', text)
		else if (text.startsWith('Origin not allowed')) this.enter('origin', text)
		else if (text.startsWith('Server is')) this.enter('refused', text)
		else if (text === 'Unknown command') this.legacy = true
		this.dispatchEvent(new Event('state'))
	}

	closed({ code, reason }) {
		clearTimeout(this.timer)
		this.socket = null
		// A wrong token does not become right by trying, and each try counts against the address.
		if (this.phase === 'token') return
		if (!SAID.includes(this.phase)) {
			this.detail = reason
			this.phase = code === 1001 || code === 1012 ? 'restarting' : this.phase === 'connecting' ? 'unreachable' : 'closed'
		}
		this.retry()
	}

	/** Full jitter on a doubling ceiling, so that a hundred pages do not knock at once. */
	retry(ceiling = Math.min(30_000, (this.phase === 'restarting' ? 300 : 1000) * 2 ** Math.min(this.attempts, 10))) {
		const delay = ceiling * (0.5 + Math.random() / 2)
		this.attempts++
		this.timer = setTimeout(() => this.open(), delay)
		this.enter(this.phase, this.detail, Date.now() + delay)
	}

	/** A connection that is open and silent is given up: a dead peer does not say so. @param {number} now */
	checkSilence(now) {
		if (this.phase === 'live' && now - this.lastPush > 30_000 + this.interval * 3000) this.giveUp('closed')
	}

	giveUp(phase, ceiling) {
		this.close()
		this.phase = phase
		this.retry(ceiling)
	}

	/** @param {'large'|'fast'|'broken'} why */
	drop(why) {
		this.dropped[why]++
		const now = performance.now()
		if (now - this.flood.at > 10_000) this.flood = { count: 0, at: now }
		this.flood.count += why === 'large' ? 10 : 1
		if (this.flood.count < FLOOD) return this.dispatchEvent(new Event('state'))
		this.flood.count = 0
		this.giveUp('flood', 60_000)
	}

	/** @param {import('./types.js').Phase} phase */
	enter(phase, detail = '', retryAt = 0) {
		Object.assign(this, { phase, detail, retryAt })
		this.dispatchEvent(new Event('state'))
	}

	close() {
		clearTimeout(this.timer)
		const { socket } = this
		this.socket = null
		this.chosen = ''
		socket?.close()
	}
}

function parsed(text) {
	try {
		const value = JSON.parse(text)
		return isObject(value) ? value : null
	} catch {
		return null
	}
}
