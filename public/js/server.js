// One watched server. Announces `push`, `state` and `alert`.

import {Client} from './client.js'
import {urlOf} from './config.js'
import {Alerts, KNOWN, sample} from './figures.js'
import {at, num, Teller, text, uptimeSeconds} from './format.js'
import {History} from './history.js'

const ALWAYS = ['cpu_stat', 'meminfo', 'processes', 'uptime']
const NO_SECTION = ['processes', 'uptime', 'procs', 'self']
const NOTHING = {seq: NaN, clock: NaN, time: NaN}

export class Server extends Teller {
	history = new History()
	alerts = new Alerts()
	marks = []
	missed = 0
	/** It costs, and is asked for only while somebody looks. */
	top = false
	boot = ''
	uptime = NaN
	last = NOTHING

	/** @param {ServerConfig} config @param {() => string} token */
	constructor(config, token) {
		super()
		this.config = config
		this.token = token
		this.url = urlOf(config.host, location.href)
		const client = this.client = new Client(this.url, config.interval)
		client.addEventListener('state', () => {
			if (client.phase !== 'live') {
				this.last = NOTHING
				this.alerts = new Alerts()
				this.tell('alert')
			}
			this.tell('state')
		})
		client.addEventListener('push', () => this.take())
		client.addEventListener('info', () => {
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

	get gap() {
		return Math.max(this.client.interval * 2500, 2000)
	}

	staleFor() {
		const silent = Date.now() - this.client.lastPush
		return this.phase === 'live' && silent > this.gap ? silent / 1000 : 0
	}

	start() {
		this.client.token = this.token()
		this.client.interval = this.config.interval
		this.client.start()
	}

	plugins() {
		return [...this.client.info?.plugins ?? []]
	}

	choose() {
		const offered = this.plugins().filter(([name, about]) => !at(about, 'reason') && (name !== 'top' || this.top))
		this.client.setPlugins([...new Set([...ALWAYS, ...offered.map(([name]) => name)])])
	}

	askTop(top) {
		this.top = top
		this.choose()
	}

	take() {
		const {push, lastPush} = this.client
		this.notice(push, lastPush)
		sample(push, this.history, lastPush)
		const [cpu, memory, swap] = ['cpu', 'memory', 'swap'].map(name => this.history.valueAt(name, this.history.length - 1))
		if (this.alerts.update({cpu, memory, swap}, this.config.thresholds, lastPush)) this.tell('alert')
		this.tell('push')
	}

	notice(push, now) {
		const {last} = this
		const meta = key => num(at(push, '_meta', key))
		const boot = text(at(push, '_meta', 'boot'), 64)
		const uptime = uptimeSeconds(at(push, 'uptime', 'uptime'))
		// The words are rounded to minutes.
		if (boot && this.boot ? boot !== this.boot : uptime < this.uptime - 90) this.mark(now, 'rebooted')
		this.boot = boot || this.boot
		if (uptime >= 0) this.uptime = uptime

		// By its monotonic clock, or the time of day by ours.
		const [finer, day] = [meta('ts') - meta('mono'), 86400]
		const [, hours, minutes, seconds] = /^(\d\d):(\d\d):(\d\d)$/.exec(text(at(push, 'uptime', 'time'))) ?? []
		const clock = finer === finer ? finer : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) - now / 1000
		const jump = Math.abs(clock - last.clock)
		if ((finer === finer ? jump : Math.min(jump % day, day - (jump % day))) > 3) this.mark(now, 'clock jumped')

		const seq = meta('seq')
		const lost = (seq === seq ? seq - last.seq : Math.round((now - last.time) / (this.client.interval * 1000))) - 1
		if (lost > 0 && lost < 1e6) this.missed += lost
		this.last = {seq, clock, time: now}
	}

	mark(time, kind) {
		this.marks = [...this.marks.slice(-20), {time, kind}]
	}

	unknown() {
		return Object.keys(this.push).filter(key => !KNOWN.has(key))
	}

	/** Plugins that are not there, and those with a note but no section to show it in. */
	remarked() {
		return this.plugins().filter(([name, about]) => at(about, 'reason') || (at(about, 'note') && NO_SECTION.includes(name))).map(([name]) => name)
	}
}
