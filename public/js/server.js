// One watched server. Announces `push`, `state` and `alert`.

import {Client} from './client.js'
import {urlOf} from './config.js'
import {Alerts, KNOWN, sample} from './figures.js'
import {at, num, Teller, text, uptimeSeconds} from './format.js'
import {History} from './history.js'

const ON_DEMAND = ['top']
const ALWAYS = ['cpu_stat', 'meminfo', 'processes', 'uptime']
const NOTHING = {seq: NaN, clock: NaN, time: NaN}

export class Server extends Teller {
	history = new History()
	alerts = new Alerts()
	marks = []
	missed = 0
	wanted = new Set()
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
				this.alerts.clear()
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

	offered(reason = false) {
		return [...this.client.info?.plugins ?? []].filter(([, about]) => Boolean(at(about, 'reason')) === reason)
	}

	choose() {
		this.client.setPlugins([...new Set([...ALWAYS, ...this.offered().map(([name]) => name).filter(name => !ON_DEMAND.includes(name) || this.wanted.has(name))])])
	}

	want(plugin, wanted) {
		this.wanted[wanted ? 'add' : 'delete'](plugin)
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
		// The words count whole minutes, so a step of one back is rounding.
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

	unavailable() {
		return this.offered(true).slice(0, 40).map(([name, about]) => `${text(name, 40)}: ${text(at(about, 'reason'))}`)
	}
}
