// One watched server: its connection, its history, what is notable about it. Elements read it; it knows none of them.
// Announces `push`, `state` and `alert`.

import { Alerts } from './alerts.js'
import { Client } from './client.js'
import { urlOf } from './config.js'
import { KNOWN, sample } from './figures.js'
import { History } from './history.js'
import { at, num, text, uptimeSeconds } from './values.js'

/** Plugins that cost, and are asked for only while somebody looks. */
const ON_DEMAND = ['top']
const ALWAYS = ['cpu_stat', 'meminfo', 'processes', 'uptime']

export class Server extends EventTarget {
	/** @param {import('./types.js').ServerConfig} config @param {() => string} token */
	constructor(config, token) {
		super()
		this.config = config
		this.token = token
		this.url = urlOf(config.host, location.href)
		this.client = new Client(this.url, config.interval, '')
		this.history = new History()
		this.alerts = new Alerts()
		this.marks = /** @type {import('./types.js').Mark[]} */ ([])
		this.missed = 0
		this.wanted = new Set()
		this.boot = ''
		this.uptime = NaN
		this.seq = this.clock = this.before = NaN
		this.client.addEventListener('state', () => {
			if (this.client.phase !== 'live') {
				this.forget()
				this.alerts.clear()
				this.tell('alert')
			}
			this.tell('state')
		})
		this.client.addEventListener('push', () => this.take())
		this.client.addEventListener('info', () => {
			this.choose()
			this.tell('state')
		})
	}

	get push() {
		return this.client.push
	}

	get phase() {
		return this.client.phase
	}

	tell(name) {
		this.dispatchEvent(new Event(name))
	}

	/** What holds within one connection only. */
	forget() {
		this.seq = this.clock = this.before = NaN
	}

	/** Seconds of silence beyond what the interval allows; 0 while it is live. */
	staleFor(now = Date.now()) {
		const { phase, lastPush, interval } = this.client
		const silent = now - lastPush
		return phase === 'live' && silent > Math.max(interval * 2500, 2000) ? silent / 1000 : 0
	}

	start() {
		this.client.token = this.token()
		this.client.interval = this.config.interval
		this.client.start()
	}

	/** All that is offered, except what costs and nobody looks at. */
	choose() {
		const offered = [...this.client.info?.plugins ?? []].filter(([name, about]) => !ALWAYS.includes(name) && !at(about, 'reason') && (!ON_DEMAND.includes(name) || this.wanted.has(name)))
		this.client.setPlugins([...ALWAYS, ...offered.map(([name]) => name)])
	}

	/** @param {string} plugin @param {boolean} wanted */
	want(plugin, wanted) {
		if (wanted) this.wanted.add(plugin)
		else this.wanted.delete(plugin)
		this.choose()
	}

	take() {
		const { push, lastPush } = this.client
		this.notice(push, lastPush)
		sample(push, this.history, lastPush)
		const last = this.history.length - 1
		const [cpu, memory, swap] = ['cpu', 'memory', 'swap'].map((name) => this.history.valueAt(name, last))
		if (this.alerts.update({ cpu, memory, swap }, this.config.thresholds, lastPush)) this.tell('alert')
		this.tell('push')
	}

	/** Reboot, a clock that jumped, pushes that never came: told, not hidden. */
	notice(push, now) {
		const boot = text(at(push, '_meta', 'boot'), 64)
		const uptime = uptimeSeconds(at(push, 'uptime', 'uptime'))
		// The words count whole minutes, so a step of one back is rounding.
		if (boot && this.boot ? boot !== this.boot : uptime < this.uptime - 90) this.mark(now, 'reboot')
		if (boot) this.boot = boot
		if (uptime === uptime) this.uptime = uptime

		// The server's clock against its own monotonic one, or, where it tells none, the time of day against ours.
		const [stamp, mono] = [num(at(push, '_meta', 'ts')), num(at(push, '_meta', 'mono'))]
		const day = /^(\d\d):(\d\d):(\d\d)$/.exec(text(at(push, 'uptime', 'time')))?.slice(1).map(Number)
		const finer = stamp === stamp && mono === mono
		const clock = finer ? stamp - mono : day ? day[0] * 3600 + day[1] * 60 + day[2] - now / 1000 : NaN
		const jump = Math.abs(clock - this.clock)
		if ((finer ? jump : Math.min(jump % 86400, 86400 - (jump % 86400))) > 3) this.mark(now, 'clock')
		this.clock = clock

		const seq = num(at(push, '_meta', 'seq'))
		const lost = seq === seq ? seq - this.seq - 1 : Math.round((now - this.before) / (this.client.interval * 1000)) - 1
		if (lost > 0 && lost < 1e6) this.missed += lost
		this.seq = seq
		this.before = now
	}

	/** @param {number} time @param {'reboot'|'clock'} kind */
	mark(time, kind) {
		this.marks = [...this.marks.slice(-20), { time, kind }]
	}

	/** Keys of the last push that the page has never heard of. */
	unknown() {
		return Object.keys(this.push).filter((key) => !KNOWN.has(key))
	}

	/** What is offered by name but can't be given, with the reason. @returns {string[][]} */
	unavailable() {
		return [...this.client.info?.plugins ?? []].map(([name, about]) => [text(name, 40), text(at(about, 'reason'))]).filter(([, why]) => why).slice(0, 40)
	}
}
