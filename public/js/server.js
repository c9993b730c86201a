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
	history = new History()
	alerts = new Alerts()
	marks = /** @type {import('./types.js').Mark[]} */ ([])
	missed = 0
	wanted = new Set()
	boot = ''
	uptime = NaN
	/** What the last push said, within one connection only. */
	last = { seq: NaN, clock: NaN, time: NaN }

	/** @param {import('./types.js').ServerConfig} config @param {() => string} token */
	constructor(config, token) {
		super()
		this.config = config
		this.token = token
		this.url = urlOf(config.host, location.href)
		this.client = new Client(this.url, config.interval)
		this.client.addEventListener('state', () => {
			if (this.client.phase !== 'live') {
				this.last = { seq: NaN, clock: NaN, time: NaN }
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

	/** What `info` offers, as far as it can be given or, with `reason`, can't. @returns {[string, any][]} */
	offered(reason = false) {
		return [...this.client.info?.plugins ?? []].filter(([, about]) => Boolean(at(about, 'reason')) === reason)
	}

	/** Asks for all that is offered, except what costs and nobody looks at. */
	choose() {
		this.client.setPlugins([...new Set([...ALWAYS, ...this.offered().map(([name]) => name).filter((name) => !ON_DEMAND.includes(name) || this.wanted.has(name))])])
	}

	want(plugin, wanted) {
		this.wanted[wanted ? 'add' : 'delete'](plugin)
		this.choose()
	}

	take() {
		const { push, lastPush } = this.client
		this.notice(push, lastPush)
		sample(push, this.history, lastPush)
		const [cpu, memory, swap] = ['cpu', 'memory', 'swap'].map((name) => this.history.valueAt(name, this.history.length - 1))
		if (this.alerts.update({ cpu, memory, swap }, this.config.thresholds, lastPush)) this.tell('alert')
		this.tell('push')
	}

	/** Reboots, clock jumps, pushes that never came. */
	notice(push, now) {
		const { last } = this
		const boot = text(at(push, '_meta', 'boot'), 64)
		const uptime = uptimeSeconds(at(push, 'uptime', 'uptime'))
		// The words count whole minutes, so a step of one back is rounding.
		if (boot && this.boot ? boot !== this.boot : uptime < this.uptime - 90) this.mark(now, 'rebooted')
		this.boot = boot || this.boot
		this.uptime = uptime === uptime ? uptime : this.uptime

		// Against its own monotonic clock, or, where it tells none, the time of day against ours.
		const finer = num(at(push, '_meta', 'ts')) - num(at(push, '_meta', 'mono'))
		const [, hours, minutes, seconds] = /^(\d\d):(\d\d):(\d\d)$/.exec(text(at(push, 'uptime', 'time'))) ?? []
		const clock = finer === finer ? finer : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) - now / 1000
		const jump = Math.abs(clock - last.clock)
		if ((finer === finer ? jump : Math.min(jump % 86400, 86400 - (jump % 86400))) > 3) this.mark(now, 'clock jumped')

		const seq = num(at(push, '_meta', 'seq'))
		const lost = seq === seq ? seq - last.seq - 1 : Math.round((now - last.time) / (this.client.interval * 1000)) - 1
		if (lost > 0 && lost < 1e6) this.missed += lost
		this.last = { seq, clock, time: now }
	}

	/** @param {import('./types.js').Mark['kind']} kind */
	mark(time, kind) {
		this.marks = [...this.marks.slice(-20), { time, kind }]
	}

	/** Keys of the last push that the page has never heard of. */
	unknown() {
		return Object.keys(this.push).filter((key) => !KNOWN.has(key))
	}

	/** What is offered by name but can't be given, with the reason. */
	unavailable() {
		return this.offered(true).slice(0, 40).map(([name, about]) => `${text(name, 40)}: ${text(at(about, 'reason'))}`)
	}
}
