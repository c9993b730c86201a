// One watched server and its connection.

import {urlOf} from './config.js'
import {Alerts, History, KNOWN, sample} from './figures.js'
import {at, isObject, num, parsed, rowsOf, Teller, text, uptimeSeconds} from './format.js'
import {decode, encode} from './protocol.js'

const MAX_MESSAGE = 1_000_000
const MAX_RATE = 10
/** Dropped in ten seconds. */
const FLOOD = 200
const OPEN_TIMEOUT = 15_000
/** Sockets that a browser gives. */
const CROWD = navigator.userAgent.includes('Firefox') ? 200 : 255
/** @type {[string, Phase][]} */
const SAYINGS = [['Not authorized', 'token'], ['Too many clients', 'full'], ['Origin not allowed', 'origin'], ['Server is', 'refused']]
const held = new Set()

/** One connection; tells of a new `state`, `push` or `info`. */
class Client {
	token = ''
	phase = 'stopped'
	detail = ''
	retryAt = 0
	lastPush = 0
	legacy = false
	dropped = {large: 0, fast: 0, broken: 0}
	push = {}
	info
	socket
	chosen = ''
	attempts = 0
	timer = 0
	allowance = {left: MAX_RATE, at: 0}
	flood = {count: 0, at: 0}

	constructor(url, interval, tell) {
		this.url = url
		this.interval = interval
		this.tell = tell
	}

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

	setPlugins(names) {
		const chosen = names.join()
		if (!this.info || chosen === this.chosen) return
		this.chosen = chosen
		this.send('plugins', chosen)
	}

	send(name, ...args) {
		if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(name, args))
	}

	open() {
		Object.assign(this, {info: null, legacy: false, lastPush: 0})
		// From https only wss may be opened, except to this very machine.
		if (location.protocol === 'https:' && /^ws:\/\/(?!localhost[:/]|127\.|\[::1\])/i.test(this.url)) return this.enter('mixed')
		try {
			const socket = this.socket = new WebSocket(this.url)
			held.add(this)
			const mine = act => event => this.socket === socket && act(event)
			socket.onopen = mine(() => this.greet())
			socket.onmessage = mine(({data}) => this.receive(data))
			socket.onclose = mine(event => this.closed(event))
			this.timer = setTimeout(() => socket.close(), OPEN_TIMEOUT)
			this.enter('connecting')
		} catch (error) {
			this.enter('refused', String(error))
		}
	}

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
		const {allowance} = this
		allowance.left = Math.min(MAX_RATE * 2, allowance.left + ((now - allowance.at) / 1000) * MAX_RATE) - 1
		allowance.at = now
		if (allowance.left < 0) {
			allowance.left = 0
			return this.drop('fast')
		}
		const {name, args: [text = '']} = decode(data)
		if (name === 'push') this.take(text)
		else if (name === 'info') this.learn(text)
		else if (name === 'error') this.hear(text.slice(0, 300))
	}

	take(text) {
		const push = parsed(text)
		if (!push) return this.drop('broken')
		Object.assign(this, {push, lastPush: Date.now(), attempts: 0})
		if (this.phase !== 'live') this.enter('live')
		this.tell('push')
	}

	learn(text) {
		const answer = parsed(text)
		const offered = Object.entries(answer?.plugins ?? {}).slice(0, 200)
		this.info = {...answer, plugins: new Map(offered.filter(([name, about]) => isObject(about) && /^[^,:\s]{1,64}$/.test(name)))}
		this.tell('info')
	}

	/** A server without a token says `Auth failed`, and works. */
	hear(text) {
		const phase = SAYINGS.find(([start]) => text.startsWith(start))?.[1]
		if (text === 'Unknown command') this.legacy = true
		this.enter(phase ?? this.phase, phase ? text : this.detail, this.retryAt)
	}

	closed({code, reason}) {
		const {phase} = this
		this.close()
		// Each try counts against the address.
		if (phase === 'token') return
		if (!['full', 'origin', 'refused', 'flood'].includes(phase)) {
			this.detail = reason
			this.phase = code === 1001 || code === 1012 ? 'restarting' : phase !== 'connecting' ? 'closed' : held.size < CROWD ? 'unreachable' : 'crowd'
			if (this.phase === 'crowd') this.detail = String(held.size)
		}
		this.retry()
	}

	retry(ceiling = Math.min(30_000, (this.phase === 'restarting' ? 300 : 1000) * 2 ** this.attempts)) {
		const delay = ceiling * (0.5 + Math.random() / 2)
		this.attempts++
		this.timer = setTimeout(() => this.open(), delay)
		this.enter(this.phase, this.detail, Date.now() + delay)
	}

	checkSilence() {
		if (this.phase === 'live' && Date.now() - this.lastPush > 30_000 + this.interval * 3000) this.giveUp('closed')
	}

	giveUp(phase, ceiling) {
		this.close()
		this.phase = phase
		this.retry(ceiling)
	}

	drop(why) {
		this.dropped[why]++
		const now = performance.now()
		if (now - this.flood.at > 10_000) this.flood = {count: 0, at: now}
		this.flood.count += why === 'large' ? 10 : 1
		if (this.flood.count < FLOOD) return this.tell('state')
		this.flood.count = 0
		this.giveUp('flood', 60_000)
	}

	enter(phase, detail = '', retryAt = 0) {
		Object.assign(this, {phase, detail, retryAt})
		this.tell('state')
	}

	close() {
		clearTimeout(this.timer)
		held.delete(this)
		const {socket} = this
		this.socket = null
		this.chosen = ''
		socket?.close()
	}
}

const ALWAYS = ['cpu_stat', 'meminfo', 'processes', 'uptime']
const NO_SECTION = ['processes', 'uptime', 'procs', 'self']
const NOTHING = {seq: NaN, clock: NaN, time: NaN}

/** Announces `push`, `state` and `alert`. */
export class Server extends Teller {
	history = new History()
	alerts = new Alerts()
	marks = []
	/** Interfaces that are up, or were. */
	links = []
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
		this.client = new Client(this.url, config.interval, what => this.hear(what))
	}

	hear(what) {
		if (what === 'push') return this.take()
		if (what === 'info') this.choose()
		else if (this.phase !== 'live') {
			this.last = NOTHING
			this.alerts = new Alerts()
			this.tell('alert')
		}
		this.tell('state')
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

		this.links = rowsOf(at(push, 'net', 'if')).rows.flatMap(([name, row]) => at(row, 'up') || this.links.includes(name) ? name : [])
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
