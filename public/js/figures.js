// From one push to the figures, and the last samples of each; of these nothing is allocated per push.

import {amount, at, largest, num, ratio, rowsOf, share} from './format.js'

/** Twenty minutes at half a second; five are shown. */
export const CAPACITY = 2400
export const WINDOW = 300_000
export const MAX_CPUS = 1024
const MAX_SERIES = 64
const ABSENT = 255
const LARGEST = 3e38

export class History {
	times = new Float64Array(CAPACITY)
	series = new Map()
	count = 0
	cpus = new Uint8Array(0)
	cpuSlots = 0

	get length() {
		return Math.min(this.count, CAPACITY)
	}

	push(time, cpus) {
		const wanted = Math.min(cpus, MAX_CPUS)
		if (wanted > this.cpuSlots) {
			const grown = new Uint8Array(CAPACITY * wanted).fill(ABSENT)
			for (let slot = 0; slot < CAPACITY; slot++) grown.set(this.cpusAt(slot), slot * wanted)
			Object.assign(this, {cpus: grown, cpuSlots: wanted})
		}
		const slot = this.count % CAPACITY
		// A wall clock that was set back must not fold the axis.
		this.times[slot] = this.count ? Math.max(time, this.timeAt(this.length - 1)) : time
		for (const values of this.series.values()) values[slot] = NaN
		this.cpusAt(slot).fill(ABSENT)
		this.count++
	}

	cpusAt(slot) {
		return this.cpus.subarray(slot * this.cpuSlots, (slot + 1) * this.cpuSlots)
	}

	set(name, value) {
		const fits = Math.abs(value) < LARGEST
		let values = this.series.get(name)
		if (!values) {
			if (this.series.size >= MAX_SERIES || !fits) return
			this.series.set(name, values = new Float32Array(CAPACITY).fill(NaN))
		}
		values[this.slot(this.length - 1)] = fits ? value : NaN
	}

	setCpu(cpu, usage) {
		if (cpu < this.cpuSlots && usage === usage) this.cpus[this.slot(this.length - 1) * this.cpuSlots + cpu] = Math.round(usage * 100)
	}

	slot(index) {
		return (this.count - this.length + index) % CAPACITY
	}

	timeAt(index) {
		return this.times[this.slot(index)] ?? NaN
	}

	valueAt(name, index) {
		return index < 0 ? NaN : this.series.get(name)?.[this.slot(index)] ?? NaN
	}

	indexAt(time) {
		let [low, high] = [0, this.length]
		while (low < high) {
			const middle = (low + high) >> 1
			if (this.timeAt(middle) <= time) low = middle + 1
			else high = middle
		}
		return low - 1
	}

	peak(name, from, to) {
		const values = this.series.get(name)
		let peak = 0
		for (let index = Math.max(0, from); values && index <= to; index++) peak = Math.max(peak, values[this.slot(index)] || 0)
		return peak
	}
}

export const KNOWN = new Set('cpu_stat meminfo processes uptime _meta cpu mem psi disk fs net sock sens procs top units ct gpu self'.split(' '))
const MAX_UNKNOWN = 8

/** Usage is user + system + true iowait: the wire’s also holds irq. `cpu.core` knows better. */
export function cpusOf(push, most) {
	const {rows, total} = rowsOf(push.cpu_stat, most)
	return {total, cpus: rows.map(([name, value]) => {
		const part = (key, of = value) => ratio(at(of, key)) || 0
		const usage = ratio(at(value, 'usage'))
		const core = at(push, 'cpu', 'core', name)
		if (core) {
			const [user, nice, system, irq, softirq, iowait, steal] = 'user nice system irq softirq iowait steal'.split(' ').map(key => part(key, core))
			return {name, usage, user: user + nice, system, irq: irq + softirq, iowait, steal}
		}
		const [user, system, wait] = [part('user'), part('system'), part('iowait')]
		const iowait = Math.min(wait, Math.max(0, usage - user - system) || 0)
		const irq = wait - iowait > 0.015 ? Math.min(wait - iowait, system) : 0
		return {name, usage, user, system: system - irq, irq, iowait, steal: 0}
	})}
}

/** The legacy `used` counts caches too. */
export function memoryOf(/** @type {any} */ {meminfo, mem}) {
	const [total, free, buffers, cached] = ['total', 'free', 'buffers', 'cached'].map(key => amount(at(meminfo, 'memory', key)))
	const swapTotal = amount(at(meminfo, 'swap', 'total'))
	return {
		memory: num(at(mem, 'used')) >= 0 ? share(mem.used, at(mem, 'total')) : share(total - free - buffers - cached, total),
		swap: share(at(meminfo, 'swap', 'used'), swapTotal), total: total * 1024, swapTotal: swapTotal * 1024,
	}
}

export const busy = gpu => ratio(num(at(gpu, 'busy')) > 1 ? gpu.busy / 100 : at(gpu, 'busy'))
/** As `df` counts. */
export const full = fs => share(at(fs, 'used'), amount(at(fs, 'used')) + amount(at(fs, 'avail')))

/** @param {Samples} history */
export function sample(push, history, time) {
	const usages = rowsOf(push.cpu_stat, 8192).rows.map(([, value]) => ratio(at(value, 'usage')))
	history.push(time, usages.length)
	usages.forEach((usage, cpu) => history.setCpu(cpu, usage))
	const known = usages.filter(usage => usage >= 0)
	const {memory, swap} = memoryOf(push)
	const figure = path => amount(at(push, ...path.split('.')))
	const most = (rows, read) => largest(rowsOf(rows, 256).rows.map(([, row]) => read(row)))
	const figures = {
		cpu: known.length ? known.reduce((sum, usage) => sum + usage) / known.length
			: ratio(1 - num(at(push, 'cpu', 'all', 'idle')) - num(at(push, 'cpu', 'all', 'iowait'))),
		cpuWorst: largest(known), memory, swap,
		load: amount(Number.parseFloat(at(push, 'uptime', 'la1'))), running: figure('processes.running'),
		rx: figure('net.total.rx'), tx: figure('net.total.tx'), read: figure('disk.total.r'), write: figure('disk.total.w'),
		busy: most(at(push, 'disk', 'dev'), dev => ratio(at(dev, 'util'))),
		psi: largest(['cpu', 'memory', 'io'].map(kind => ratio(num(at(push, 'psi', kind, 'some', '0')) / 100))),
		temp: most(at(push, 'sens', 't'), sensor => num(at(sensor, 'c'))),
		gpu: most(push.gpu, busy), full: most(push.fs, full),
	}
	for (const [name, value] of Object.entries(figures)) history.set(name, value)
	let unknown = 0
	for (const key of Object.keys(push).slice(0, 256)) {
		const value = num(at(push[key], 'value') ?? push[key])
		if (!KNOWN.has(key) && value === value && unknown++ < MAX_UNKNOWN) history.set(`x:${key}`, value)
	}
}

// Critical from three fifths of the way up.
const criticalAt = level => level + (100 - level) * 0.6

export class Alerts {
	since = new Map()
	active = new Map()

	/** @param {Thresholds} levels */
	update(ratios, levels, now) {
		const before = [...this.active].join()
		this.active.clear()
		for (const figure of ['cpu', 'memory', 'swap']) {
			const [percent, level] = [ratios[figure] * 100, levels[figure]]
			if (!(percent >= level)) this.since.delete(figure)
			else if (!this.since.has(figure)) this.since.set(figure, now)
			if (now - this.since.get(figure) >= levels.hold * 1000) this.active.set(figure, percent >= criticalAt(level) ? 'critical' : 'warning')
		}
		return [...this.active].join() !== before
	}

	/** @returns {Level} */
	get level() {
		const levels = [...this.active.values()]
		return levels.find(one => one === 'critical') ?? levels[0] ?? ''
	}
}
