// One connection: opens it, asks, takes pushes, comes back after a loss. Announces `state`, `push` and `info`.

import { decode, encode } from './protocol.js'
import { isObject, parsed } from './values.js'

/** @typedef {import('./types.js').Phase} Phase */

/** Longest message taken, in characters, and how many a second. */
const MAX_MESSAGE = 1_000_000
const MAX_RATE = 10
/** Dropped messages in ten seconds that end a connection; a large one counts ten. */
const FLOOD = 200
const OPEN_TIMEOUT = 15_000
/** What the server says of the connection before it closes it, by how it begins. @type {[string, Phase][]} */
const SAYINGS = [['Not authorized', 'token'], ['Too many clients', 'full'], ['Origin not allowed', 'origin'], ['Server is', 'refused']]
/** Phases that outlive the connection. */
const SAID = ['token', 'full', 'origin', 'refused', 'flood']

export class Client extends EventTarget {
	token = ''
	phase = /** @type {Phase} */ ('stopped')
	/** The last words of the server about the phase. */
	detail = ''
	/** On the clock of `Date.now()`, as `lastPush`; 0 when there is none. */
	retryAt = 0
	lastPush = 0
	/** A server that does not know `info`: the original, or one as old. */
	legacy = false
	version = ''
	dropped = { large: 0, fast: 0, broken: 0 }
	push = /** @type {import('./types.js').Push} */ ({})
	info = /** @type {any} */ (null)
	socket = /** @type {WebSocket|null} */ (null)
	chosen = ''
	attempts = 0
	timer = 0
	allowance = { left: MAX_RATE, at: 0 }
	flood = { count: 0, at: 0 }
	constructor(url, interval) {
		super()
		this.url = url
		this.interval = interval
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

	setInterval(seconds) {
		this.interval = seconds
		this.send('interval', String(seconds))
	}

	/** A server that did not answer `info` is not bothered. */
	setPlugins(names) {
		const chosen = names.join()
		if (!this.info || chosen === this.chosen) return
		this.chosen = chosen
		this.send('plugins', chosen)
	}

	/** @param {...string} args */
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

	/** `Auth failed` counts for nothing: a server without a token answers so and works. `start` is what is refused. */
	hear(text) {
		const [, phase] = SAYINGS.find(([start]) => text.startsWith(start)) ?? []
		if (text === 'Unknown command') this.legacy = true
		this.enter(phase ?? this.phase, phase ? text : this.detail, this.retryAt)
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

	/** A connection that is open and silent is given up: a dead peer does not say so. */
	checkSilence() {
		if (this.phase === 'live' && Date.now() - this.lastPush > 30_000 + this.interval * 3000) this.giveUp('closed')
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

	/** @param {Phase} phase */
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
