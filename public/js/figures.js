// From one push to the figures that have a history: which they are, and how each is read. Pure.

import { amount, at, largest, num, ratio, rowsOf, share } from './values.js'

/** Keys that have a place of their own on the card; any other is drawn by its shape. */
export const KNOWN = new Set('cpu_stat meminfo processes uptime _meta cpu mem psi disk fs net sock sens procs top units ct gpu self'.split(' '))
/** How many unknown plugins get a strip. */
const MAX_UNKNOWN = 8

/**
 * The processors of a push, their parts taken apart: usage is user + system + true iowait, since the wire's iowait also
 * holds irq (kept for old clients). Where `cpu.core` comes too, it knows better.
 */
export function cpusOf(push, most) {
	const { rows, total } = rowsOf(push.cpu_stat, most)
	const cpus = rows.map(([name, value]) => {
		const [usage, user, system, wait] = ['usage', 'user', 'system', 'iowait'].map((key) => ratio(at(value, key)))
		const core = at(push, 'cpu', 'core', name)
		if (core) {
			const [u, n, s, i, q, w, st] = ['user', 'nice', 'system', 'irq', 'softirq', 'iowait', 'steal'].map((key) => ratio(at(core, key)) || 0)
			return { name, usage, user: u + n, system: s, irq: i + q, iowait: w, steal: st }
		}
		const iowait = Math.min(wait || 0, Math.max(0, usage - user - system) || 0)
		// Each figure is rounded to a hundredth, so a difference of one is no irq.
		const irq = wait - iowait > 0.015 ? Math.min(wait - iowait, system) : 0
		return { name, usage, user: user || 0, system: (system || 0) - irq, irq, iowait, steal: 0 }
	})
	return { cpus, total }
}

/** Ratios, NaN where there is none. Memory is what programs hold: the legacy `used` counts caches that are free to take. */
export function memoryOf(push) {
	const { memory, swap } = push.meminfo ?? {}
	const total = amount(at(memory, 'total'))
	const held = total - amount(at(memory, 'free')) - amount(at(memory, 'buffers')) - amount(at(memory, 'cached'))
	const used = at(push, 'mem', 'used')
	return {
		memory: num(used) === num(used) ? share(used, at(push, 'mem', 'total')) : share(held, total),
		swap: share(at(swap, 'used'), at(swap, 'total')), swapTotal: amount(at(swap, 'total')) * 1024, total: total * 1024,
	}
}

/** Writes one sample. @param {import('./history.js').History} history @param {number} time */
export function sample(push, history, time) {
	const { cpus } = cpusOf(push, 8192)
	history.push(time, cpus.length)
	let [sum, counted] = [0, 0]
	cpus.forEach(({ usage }, cpu) => {
		history.setCpu(cpu, usage)
		if (usage === usage) sum += usage, counted++
	})
	const all = at(push, 'cpu', 'all')
	const { memory, swap } = memoryOf(push)
	const each = (value, most, read) => largest(rowsOf(value, most).rows.map(([, row]) => read(row)))
	const figures = {
		cpu: counted ? sum / counted : ratio(1 - num(at(all, 'idle')) - num(at(all, 'iowait'))),
		cpuWorst: largest(cpus.map(({ usage }) => usage)), memory, swap,
		load: amount(Number.parseFloat(at(push, 'uptime', 'la1'))),
		rx: amount(at(push, 'net', 'total', 'rx')), tx: amount(at(push, 'net', 'total', 'tx')),
		read: amount(at(push, 'disk', 'total', 'r')), write: amount(at(push, 'disk', 'total', 'w')),
		busy: each(at(push, 'disk', 'dev'), 256, (dev) => ratio(at(dev, 'util'))),
		psi: largest(['cpu', 'memory', 'io'].map((kind) => ratio(num(at(push, 'psi', kind, 'some', '0')) / 100))),
		temp: each(at(push, 'sens', 't'), 256, (sensor) => num(at(sensor, 'c'))),
		gpu: each(push.gpu, 16, (gpu) => busy(at(gpu, 'busy'))),
		full: each(push.fs, 256, (fs) => fill(fs)),
		running: amount(at(push, 'processes', 'running')),
	}
	for (const [name, value] of Object.entries(figures)) history.set(name, value)
	let unknown = 0
	for (const key of Object.keys(push).slice(0, 256)) {
		const value = num(at(push[key], 'value') ?? push[key])
		if (!KNOWN.has(key) && value === value && unknown++ < MAX_UNKNOWN) history.set(`x:${key}`, value)
	}
}

/** A driver may tell its load as a ratio or in percent. */
export const busy = (value) => ratio(num(value) > 1 ? num(value) / 100 : num(value))
/** As `df` counts: what root keeps for itself is neither used nor free. */
export const fill = (fs) => share(at(fs, 'used'), amount(at(fs, 'used')) + amount(at(fs, 'avail')))
