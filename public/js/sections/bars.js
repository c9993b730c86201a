// Processors and memory: bars, and a grid from seventeen processors on.

import {fill, h, setAttr, setText} from '../dom.js'
import {cpusOf, memoryOf} from '../figures.js'
import {at, bytes, NONE, percent, share, text} from '../format.js'
import {MAX_CPUS} from '../history.js'
import {t} from '../i18n.js'
import {colours, fit, heat} from '../plot.js'
import {view} from '../view.js'
import {Facts} from './table.js'

const BARS = 16
const CPU_PARTS = {user: 'Programs', system: 'System', irq: 'Interrupts', iowait: 'IO wait', steal: 'Stolen'}
const MEMORY_PARTS = {apps: 'Programs', buffers: 'Buffers', cached: 'Cache', swap: 'Swap'}

const legend = parts => h('ul.legend', Object.entries(parts).map(([part, label]) => {
	const node = h('li', t(label))
	node.style.setProperty('--key', `var(--${part})`)
	return node
}))

function setBars(box, rows) {
	fill(box, rows.length, () => h('div.bar-row', h('span.bar-label'), h('span.bar-parts'), h('b.bar-value'))).forEach((node, place) => {
		const {label, value, level, parts} = rows[place]
		const [name, bar, figure] = node.children
		setText(name, label)
		setText(figure, value)
		setAttr(figure, 'data-level', level ?? null)
		let end = 0
		const stops = parts.filter(([, share]) => share > 0).map(([part, share]) => `var(--${part}) ${end.toFixed(1)}% ${(end = Math.min(100, end + share * 100)).toFixed(1)}%`)
		bar.style.backgroundImage = `linear-gradient(to right, ${[...stops, `transparent ${end.toFixed(1)}%`].join()})`
	})
}

/** Of the past only the usage is kept. */
function cpusNow({push, history}) {
	const now = cpusOf(push, MAX_CPUS)
	const instant = view.cursor ?? view.frozen
	const index = history.indexAt(instant)
	return instant === null ? now : {...now, cpus: now.cpus.map(({name}, cpu) => ({name, usage: history.cpuAt(cpu, index), user: history.cpuAt(cpu, index)}))}
}

/** @param {Server} server */
export function processors(server) {
	const canvas = h('canvas', {'aria-hidden': 'true'})
	const [bars, readout, more] = [h('div.bars'), h('p.readout', {'aria-live': 'polite'}), h('p.more')]
	const facts = new Facts({'Switches/s': 'cpu.ctxt count', 'Interrupts/s': 'cpu.intr count', 'Forks/s': 'cpu.forks count', Blocked: 'cpu.blocked count'})
	let cpus = []
	let [pointed, columns, rows] = [-1, 1, 1]

	const draw = () => {
		const {width} = grid.getBoundingClientRect()
		// Rows of one length where that can be.
		const most = Math.min(cpus.length, Math.max(8, Math.floor(width / 18)))
		columns = most
		while (columns > most / 2 && cpus.length % columns) columns--
		if (cpus.length % columns) columns = most
		rows = Math.ceil(cpus.length / columns)
		const wide = width / columns
		const high = Math.min(26, wide)
		if (grid.style.height !== `${rows * high}px`) grid.style.height = `${rows * high}px`
		const context = fit(canvas, width, rows * high)
		const {ink, track} = colours()
		if (context) cpus.forEach(({usage}, place) => {
			const [x, y] = [(place % columns) * wide + 1, Math.floor(place / columns) * high + 1]
			const tall = Math.max(1, (usage || 0) * (high - 2))
			context.fillStyle = track
			context.fillRect(x, y, wide - 2, high - 2)
			context.fillStyle = heat.css[Math.round((usage || 0) * 100)]
			context.fillRect(x, y + high - 2 - tall, wide - 2, tall)
			context.strokeStyle = ink
			if (place === pointed) context.strokeRect(x, y, wide - 2, high - 2)
		})
		const worst = cpus.reduce((best, one) => (one.usage > best.usage ? one : best))
		const one = cpus[pointed]
		setText(readout, !one ? t('Busiest: {name} {usage}', {name: text(worst.name, 20), usage: percent(worst.usage)})
			: [`${text(one.name, 20)} ${percent(one.usage)}`, ...Object.entries(CPU_PARTS).filter(([part]) => one[part] > 0).map(([part, label]) => `${t(label)} ${percent(one[part])}`)].join(' · '))
	}
	const point = place => {
		pointed = Math.min(cpus.length - 1, place)
		if (cpus.length > BARS) draw()
	}
	const grid = h('div.cpu-grid', {tabindex: 0, role: 'group', onpointerleave: () => point(-1), onblur: () => point(-1), onpointermove: ({clientX, clientY}) => {
		const {left, top, width, height} = grid.getBoundingClientRect()
		point(Math.floor(((clientY - top) / height) * rows) * columns + Math.floor(((clientX - left) / width) * columns))
	}, onkeydown(event) {
		const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key]
		if (!step) return
		event.preventDefault()
		point(Math.max(0, pointed + step))
	}}, canvas)

	return {node: h('div', bars, grid, readout, more, legend(CPU_PARTS), facts.node), update() {
		const now = cpusNow(server)
		cpus = now.cpus
		const many = cpus.length > BARS
		grid.hidden = !many
		bars.hidden = many
		readout.hidden = !many
		if (many) {
			setAttr(grid, 'aria-label', t('{n} processors; arrow keys read each', {n: now.total}))
			draw()
		} else setBars(bars, cpus.map(one => ({label: text(one.name, 12), value: percent(one.usage), level: one.usage * 100 >= server.config.thresholds.cpu ? 'warning' : null,
			parts: Object.keys(CPU_PARTS).map(part => [part, one[part]])})))
		setText(more, now.total > cpus.length ? t('… {n} more', {n: now.total - cpus.length}) : '')
		facts.read(server.push)
	}}
}

export function memory(server) {
	const bars = h('div.bars.bars-wide')
	const facts = new Facts({Available: 'mem.available bytes', Shared: 'mem.shmem bytes', 'Not written': 'mem.dirty bytes', 'Kernel slabs': 'mem.slab bytes', 'ZFS ARC': 'mem.arc bytes',
		'OOM kills': 'mem.oom_kill count', 'Swap in': 'mem.swap.in rate', 'Swap out': 'mem.swap.out rate'})
	return {node: h('div', bars, legend(MEMORY_PARTS), facts.node), update() {
		const {push, alerts} = server
		const now = memoryOf(push)
		const parts = at(push, 'meminfo', 'memory')
		const row = (key, label, total, none, drawn) => ({label: t(label), level: alerts.active.get(key), parts: drawn,
			value: total > 0 ? `${percent(now[key])} · ${bytes(now[key] * total)} / ${bytes(total)}` : none})
		setBars(bars, [
			row('memory', 'Mem', now.total, NONE, ['apps', 'buffers', 'cached', 'swapCached'].map(key => [key.replace('Cached', ''), share(at(parts, key), at(parts, 'total'))])),
			row('swap', 'Swap', now.swapTotal, t('no swap'), [['swap', now.swap]]),
		])
		facts.read(push)
	}}
}
