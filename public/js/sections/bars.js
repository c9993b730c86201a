// Processors and memory: stacked bars, and a grid of cells from seventeen processors on.

import { h, setAttr, setText } from '../dom.js'
import { bytes, count, percent, rate } from '../format.js'
import { cpusOf, memoryOf } from '../figures.js'
import { MAX_CPUS } from '../history.js'
import { t } from '../i18n.js'
import { colours, fit, heat } from '../plot.js'
import { amount, at, share, text } from '../values.js'
import { view } from '../view.js'
import { Facts } from './table.js'

/** @typedef {import('../server.js').Server} Server */

/** The most that are drawn as bars. */
const BARS = 16
/** The order in a bar, always the same. */
const CPU_PARTS = ['user', 'system', 'irq', 'iowait', 'steal']
const MEMORY_PARTS = ['apps', 'buffers', 'cached', 'swap']

/** Rows of label, bar, figure; all bars on one canvas. @param {string[]} parts */
function barRows(parts, kind = '') {
	const canvas = h('canvas', { 'aria-hidden': 'true' })
	const [labels, plot, values] = ['labels', 'plot', 'values'].map((name) => h('div', { class: `bar-${name}` }))
	plot.append(canvas)
	const legend = h('ul', { class: 'legend' }, ...parts.map((part) => h('li', { class: `key-${part}` }, t(`part.${part}`))))
	const node = h('div', { class: `bars ${kind}` }, labels, plot, values)
	return { node, plot, legend, canvas,
		/** @param {{label: string, value: string, level: string|null, parts: [string, number][]}[]} rows */
		set(rows) {
			while (labels.childElementCount < rows.length) for (const column of [labels, values]) column.append(h('span'))
			while (labels.childElementCount > rows.length) for (const column of [labels, values]) column.lastElementChild?.remove()
			node.style.setProperty('--rows', String(rows.length))
			rows.forEach(({ label, value, level }, at) => {
				setText(labels.children[at], label)
				setText(values.children[at], value)
				setAttr(values.children[at], 'data-level', level)
			})
			const { width, height } = plot.getBoundingClientRect()
			const context = fit(canvas, width, height)
			const palette = colours()
			const pitch = height / rows.length
			const thick = Math.min(12, pitch - 4)
			if (context) rows.forEach((row, at) => {
				const y = Math.round((at + 0.5) * pitch - thick / 2)
				context.fillStyle = palette.track
				context.fillRect(0, y, width, thick)
				let x = 0
				for (const [part, share] of row.parts) {
					const long = Math.min((share || 0) * width, width - x)
					if (long <= 0) continue
					context.fillStyle = palette[part]
					context.fillRect(x, y, Math.max(1, long - 1), thick)
					x += long
				}
			})
		} }
}

/** The last push's processors, or those of the instant that is looked at (of which the usage alone is kept). */
function cpusNow(server) {
	const now = cpusOf(server.push, MAX_CPUS)
	const instant = view.cursor ?? view.frozen
	if (instant === null) return now
	const index = server.history.indexAt(instant)
	return { total: now.total, cpus: now.cpus.map(({ name }, cpu) => {
		const usage = server.history.cpuAt(cpu, index)
		return { name, usage, user: usage, system: 0, irq: 0, iowait: 0, steal: 0 }
	}) }
}

/** @param {Server} server */
export function processors(server) {
	const bars = barRows(CPU_PARTS)
	const readout = h('p', { class: 'readout', 'aria-live': 'polite' })
	const more = h('p', { class: 'more' })
	const facts = new Facts()
	let { cpus, total } = cpusNow(server)
	let [pointed, columns] = [-1, 1]

	const cells = () => {
		const box = bars.plot.getBoundingClientRect()
		const most = Math.max(8, Math.floor(box.width / 18))
		columns = Math.ceil(cpus.length / Math.ceil(cpus.length / most))
		// Whole groups of eight read better where they fit.
		if (Math.ceil(columns / 8) * 8 <= most) columns = Math.ceil(columns / 8) * 8
		const rows = Math.ceil(cpus.length / columns)
		const wide = box.width / columns
		const high = Math.min(26, wide)
		if (bars.plot.style.height !== `${rows * high}px`) bars.plot.style.height = `${rows * high}px`
		const context = fit(bars.canvas, box.width, rows * high)
		const palette = colours()
		// Tone and height of the fill both tell the usage.
		if (context) cpus.forEach(({ usage }, at) => {
			const [x, y] = [(at % columns) * wide + 1, Math.floor(at / columns) * high + 1]
			context.fillStyle = palette.track
			context.fillRect(x, y, wide - 2, high - 2)
			const fill = Math.max(1, (usage || 0) * (high - 2))
			context.fillStyle = heat.css[Math.round((usage || 0) * 100)]
			context.fillRect(x, y + high - 2 - fill, wide - 2, fill)
			context.strokeStyle = palette.ink
			if (at === pointed) context.strokeRect(x, y, wide - 2, high - 2)
		})
		const worst = cpus.reduce((best, one) => (one.usage > best.usage ? one : best), cpus[0])
		const one = cpus[pointed]
		setText(readout, one ? [`${text(one.name, 20)} ${percent(one.usage)}`, ...CPU_PARTS.filter((part) => one[part] > 0).map((part) => `${t(`part.${part}`)} ${percent(one[part])}`)].join(' · ')
			: t('busiest', { name: text(worst.name, 20), usage: percent(worst.usage) }))
	}
	const point = (at) => {
		pointed = at
		if (cpus.length > BARS) cells()
	}
	Object.assign(bars.plot, {
		onpointermove: ({ clientX, clientY }) => {
			const box = bars.plot.getBoundingClientRect()
			const rows = Math.ceil(cpus.length / columns)
			point(Math.floor(((clientY - box.top) / box.height) * rows) * columns + Math.floor(((clientX - box.left) / box.width) * columns))
		},
		onpointerleave: () => point(-1),
		onblur: () => point(-1),
		onkeydown: (event) => {
			const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key]
			if (!step || cpus.length <= BARS) return
			event.preventDefault()
			point(Math.min(cpus.length - 1, Math.max(0, pointed + step)))
		},
	})

	return { node: h('div', {}, bars.node, readout, more, bars.legend, facts.node), update() {
		({ cpus, total } = cpusNow(server))
		const grid = cpus.length > BARS
		if (grid !== bars.node.classList.contains('bars-grid')) {
			bars.node.classList.toggle('bars-grid', grid)
			bars.plot.style.height = ''
			for (const [name, value] of Object.entries({ tabindex: '0', role: 'group', 'aria-label': t('grid', { n: total }) })) setAttr(bars.plot, name, grid ? value : null)
		}
		if (grid) cells()
		else bars.set(cpus.map((one) => ({ label: text(one.name, 12), value: percent(one.usage), level: one.usage * 100 >= server.config.thresholds.cpu ? 'warning' : null,
			parts: CPU_PARTS.map((part) => [part, one[part]]) })))
		if (!grid) setText(readout, '')
		setText(more, total > cpus.length ? t('more', { n: total - cpus.length }) : '')
		if (server.push.cpu) for (const key of ['ctxt', 'intr', 'forks', 'blocked']) facts.set(t(`cpu.${key}`), count(amount(at(server.push, 'cpu', key))))
	} }
}

/** @param {Server} server */
export function memory(server) {
	const bars = barRows(MEMORY_PARTS, 'bars-wide')
	const facts = new Facts()
	return { node: h('div', {}, bars.node, bars.legend, facts.node), update() {
		const { push, alerts } = server
		const now = memoryOf(push)
		const parts = at(push, 'meminfo', 'memory')
		const of = (ratio, total) => `${percent(ratio)} · ${bytes(ratio * total)} / ${bytes(total)}`
		bars.set([
			{ label: t('strip.memory'), value: of(now.memory, now.total), level: alerts.active.get('memory') ?? null, parts: ['apps', 'buffers', 'cached', 'swapCached'].map((key) => [key.replace('Cached', ''), share(at(parts, key), at(parts, 'total'))]) },
			{ label: t('strip.swap'), value: now.swapTotal > 0 ? of(now.swap, now.swapTotal) : t('noSwap'), level: alerts.active.get('swap') ?? null, parts: [['swap', now.swap]] },
		])
		for (const [key, format] of /** @type {[string, (value: number) => string][]} */ ([['available', bytes], ['shmem', bytes], ['dirty', bytes], ['slab', bytes], ['arc', bytes], ['oom_kill', count]])) {
			const value = amount(at(push, 'mem', key))
			if (value === value) facts.set(t(`mem.${key}`), format(value))
		}
		for (const key of ['in', 'out']) {
			const value = amount(at(push, 'mem', 'swap', key))
			if (value === value) facts.set(t(`mem.${key}`), rate(value))
		}
	} }
}
