// From one push to the figures that have a history.

import {amount, at, largest, num, ratio, rowsOf, share} from './format.js'

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
			const [user, nice, system, irq, softirq, iowait, steal] = ['user', 'nice', 'system', 'irq', 'softirq', 'iowait', 'steal'].map(key => part(key, core))
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
		return levels.includes('critical') ? 'critical' : levels.length ? 'warning' : 'ok'
	}
}
