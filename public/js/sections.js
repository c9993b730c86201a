// The sections of a card, and the tables and pairs that every push fills again. One appears with its first key, or when offered.

import {fill, h, redraw, setAttr, setText, setTone} from './dom.js'
import {busy, cpusOf, full, MAX_CPUS, memoryOf} from './figures.js'
import * as format from './format.js'
import {t} from './i18n.js'
import {remarks} from './view.js'

const {amount, at, bytes, celsius, count, digits, isObject, NONE, num, percent, ratio, rowsOf, share, span, text} = format

const rest = (total, shown) => total > shown ? t('… {n} more', {n: total - shown}) : ''

/** @param {Reading} how */
function reader(how) {
	if (typeof how === 'function') return how
	const [path, name] = how.split(' ')
	const keys = path.split('.')
	return name ? row => format[name](amount(at(row, ...keys))) : row => text(at(row, ...keys), 60) || NONE
}

class Table {
	head = h('tr')
	body = h('tbody')
	more = h('p.muted')
	constructor(caption) {
		this.node = h('div.table-box', {tabindex: 0, role: 'region', 'aria-label': caption}, h('table', h('thead', this.head), this.body), this.more)
	}

	set(heads, rows, total = 0) {
		const kind = place => ({class: heads[place]?.[0] === '>' && 'end'})
		redraw(this.head, heads.join(), () => heads.map((head, place) => h('th', {scope: 'col'}, kind(place), head.replace('>', ''))))
		fill(this.body, rows.length, () => h('tr'))
		rows.forEach((cells, r) => {
			const row = this.body.rows[r]
			fill(row, cells.length, place => place ? h('td', kind(place)) : h('th', {scope: 'row'}))
			cells.forEach((cell, c) => {
				const node = row.cells[c]
				const {text, share, level} = typeof cell === 'string' ? ({text: cell}) : cell
				if (node.textContent !== text) node.title = node.textContent = text
				if (share !== undefined) node.style.setProperty('--share', share || 0)
				setAttr(node, 'data-level', level)
			})
		})
		setText(this.more, rest(total, rows.length))
	}
}

export class Facts {
	constructor(readings = {}, kind = 'facts') {
		this.node = h(`dl.${kind}`)
		this.values = new Map()
		this.readers = Object.entries(readings).map(([label, how]) => ({label: t(label), read: reader(how)}))
	}

	read(push) {
		for (const {label, read} of this.readers) {
			const value = read(push, label)
			if (value !== NONE) this.set(label, value)
		}
	}

	set(label, value) {
		if (!this.values.has(label)) {
			const node = h('dd')
			this.values.set(label, node)
			this.node.append(h('div', h('dt', `${label} `), node))
		}
		setText(this.values.get(label), value)
	}
}

const table = (list, columns, /** @type {any} */ {facts, sort, more} = {}) => (server, caption) => {
	const rowsIn = typeof list === 'string' ? push => at(push, ...list.split('.')) : list
	const readers = Object.values(columns).map(reader)
	const heads = Object.keys(columns).map((head, place) => (head[0] === '<' ? t(head.slice(1)) : (place ? '>' : '') + t(head)))
	const [view, pairs] = [new Table(caption), new Facts(facts)]
	return {node: h('div', view.node, pairs.node), update() {
		const {push} = server
		const {rows, total} = rowsOf(rowsIn(push), 1000)
		sort?.(rows)
		view.set(heads, rows.slice(0, 60).map(([name, row]) => readers.map(read => read(row, text(name, 80), server))), total)
		view.node.hidden = !total
		pairs.read(push)
		more?.(push, pairs)
	}}
}

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
		setAttr(figure, 'data-level', level)
		let end = 0
		const stops = parts.filter(([, share]) => share > 0).map(([part, share]) => `var(--${part}) ${end.toFixed(1)}% ${(end = Math.min(100, end + share * 100)).toFixed(1)}%`)
		bar.style.backgroundImage = `linear-gradient(to right, ${[...stops, `transparent ${end.toFixed(1)}%`].join()})`
	})
}

function processors(server) {
	const [bars, readout, more] = [h('div.bars'), h('p.muted.readout', {'aria-live': 'polite'}), h('p.muted')]
	const facts = new Facts({'Switches/s': 'cpu.ctxt count', 'Interrupts/s': 'cpu.intr count', Blocked: 'cpu.blocked count'})
	let cpus = []
	let [pointed, columns] = [-1, 1]

	const draw = () => {
		// As many rows as it takes, and all about as long.
		const rows = Math.ceil(cpus.length / Math.max(8, Math.floor(grid.clientWidth / 18)))
		columns = Math.ceil(cpus.length / rows)
		grid.style.gridTemplateColumns = `repeat(${columns}, 1fr)`
		fill(grid, cpus.length, () => h('i')).forEach((cell, place) => {
			setTone(cell, cpus[place].usage)
			cell.className = place === pointed ? 'pointed' : ''
		})
		const worst = cpus.reduce((best, one) => (one.usage > best.usage ? one : best))
		const one = cpus[pointed]
		setText(readout, !one ? t('Busiest: {name} {usage}', {name: text(worst.name, 20), usage: percent(worst.usage)})
			: [`${text(one.name, 20)} ${percent(one.usage)}`,
				...Object.entries(CPU_PARTS).filter(([part]) => one[part] > 0).map(([part, label]) => `${t(label)} ${percent(one[part])}`)].join(' · '))
	}
	const point = place => {
		pointed = Math.min(cpus.length - 1, place)
		if (cpus.length > BARS) draw()
	}
	const grid = h('div.cpu-grid', {tabindex: 0, role: 'group', onpointerleave: () => point(-1), onblur: () => point(-1),
		onpointermove: ({target}) => point([...grid.children].indexOf(target)), onkeydown(event) {
			const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key]
			if (!step) return
			event.preventDefault()
			point(Math.max(0, pointed + step))
		}})

	const key = legend(CPU_PARTS)
	return {node: h('div', bars, grid, readout, more, key, facts.node), update() {
		const now = cpusOf(server.push, MAX_CPUS)
		cpus = now.cpus
		const many = cpus.length > BARS
		grid.hidden = readout.hidden = !many
		bars.hidden = key.hidden = many
		if (many) {
			setAttr(grid, 'aria-label', t('{n} processors; arrow keys read each', {n: now.total}))
			draw()
		} else setBars(bars, cpus.map(one => ({label: text(one.name, 12), value: percent(one.usage), level: one.usage * 100 >= server.config.thresholds.cpu && 'warning',
			parts: Object.keys(CPU_PARTS).map(part => [part, one[part]])})))
		setText(more, rest(now.total, cpus.length))
		facts.read(server.push)
	}}
}

function memory(server) {
	const bars = h('div.bars.bars-wide')
	const facts = new Facts({Available: 'mem.available bytes', Shared: 'mem.shmem bytes', 'Not written': 'mem.dirty bytes', 'ZFS ARC': 'mem.arc bytes',
		'OOM kills': 'mem.oom_kill count', 'Swap in': 'mem.swap.in rate', 'Swap out': 'mem.swap.out rate'})
	return {node: h('div', bars, legend(MEMORY_PARTS), facts.node), update() {
		const {push, alerts} = server
		const now = memoryOf(push)
		const parts = at(push, 'meminfo', 'memory')
		const row = (key, label, total, none, drawn) => ({label: t(label), level: alerts.active.get(key), parts: drawn,
			value: total > 0 ? `${percent(now[key])} · ${bytes(now[key] * total)} / ${bytes(total)}` : none})
		setBars(bars, [
			row('memory', 'Mem', now.total, NONE,
				['apps', 'buffers', 'cached', 'swapCached'].map(key => [key.replace('Cached', ''), share(at(parts, key), at(parts, 'total'))])),
			row('swap', 'Swap', now.swapTotal, t('no swap'), [['swap', now.swap]]),
		])
		facts.read(push)
	}}
}

const named = (_, name) => name
const bar = (value, level = '') => ({text: percent(value), share: value, level})
const ofBytes = (used, most) => row => [used, most].map(key => bytes(amount(at(row, key)))).join(' / ')
const joined = (...parts) => parts.filter(Boolean).join(' · ')
const USE = {CPU: 'cpu percent', Memory: 'mem bytes', Read: 'rd rate', Write: 'wr rate'}
const sort = rows => rows.sort(([, a], [, b]) => (amount(at(b, 'cpu')) || 0) - (amount(at(a, 'cpu')) || 0))

const network = table('net.if', {
	Name: named, Received: 'rx rate', Sent: 'tx rate',
	'Faults/s'(row) {
		const faults = amount(at(row, 'err')) + amount(at(row, 'drop'))
		return {text: count(faults), level: faults > 0 && 'warning'}
	},
	Link(row, name, {links}) {
		const [up, speed] = [at(row, 'up'), amount(at(row, 'mbps'))]
		return up === false ? {text: t('down'), level: links.includes(name) && 'warning'} : {text: speed > 0 ? `${count(speed)} Mb/s` : up ? t('up') : NONE}
	},
}, {facts: {TCP: 'sock.tcp count', 'Time-wait': 'sock.tw count', UDP: 'sock.udp count',
	'Retransmits/s': 'sock.retrans count', 'Queue drops/s': 'sock.listen_drop count',
	Tracked: push => ['0', '1'].map(place => count(amount(at(push, 'sock', 'conntrack', place)))).join(' / ').replace('— / —', NONE)}})

const disks = table('disk.dev', {
	Name: named, Read: 'r rate', Write: 'w rate',
	Busy(row) {
		const util = ratio(at(row, 'util'))
		return bar(util, util > 0.95 ? 'warning' : '')
	},
	'ms r/w': row => ['r_ms', 'w_ms'].map(key => digits(amount(at(row, key)))).join(' / '),
})

const filesystems = table('fs', {
	Name: 'mnt',
	Used(row) {
		const used = full(row)
		return bar(used, at(row, 'ro') || !(used >= 0.9) ? '' : used >= 0.97 ? 'critical' : 'warning')
	},
	Free: 'avail bytes', Inodes: row => percent(num(at(row, 'inode_pct')) / 100),
	'<Type'(row) {
		const stale = at(row, 'stale')
		return {level: stale && 'warning', text: joined(text(at(row, 'type'), 16), at(row, 'ro') === true && t('read-only'),
			at(row, 'by') === 'self' && t('own view'), stale && t('not answering {s}', {s: stale > 0 ? span(num(stale)) : ''}))}
	},
})

const waited = place => row => bar(ratio(num(at(row, place)) / 100))
const pressure = table(({psi}) => Object.fromEntries(Object.entries({cpu: 'CPU', memory: 'Memory', io: 'IO', irq: 'Interrupts'}).flatMap(([key, what]) =>
	Object.entries({some: 'some wait', full: 'all wait'}).map(([who, words]) => [`${t(what)} · ${t(words)}`, at(psi, key, who)])).filter(([, row]) => Array.isArray(row))),
{Name: named, '10 s': waited('0'), '1 min': waited('1'), '5 min': waited('2')})

const sensor = row => joined(text(at(row, 'chip'), 40), text(at(row, 'label'), 40))
const sensors = table('sens.t', {
	Name: sensor,
	Now(row) {
		const [now, high, critical] = ['c', 'max', 'crit'].map(key => num(at(row, key)))
		return {text: celsius(now), level: now >= critical ? 'critical' : now >= high && 'warning'}
	},
	High: row => celsius(num(at(row, 'max'))), critical: row => celsius(num(at(row, 'crit'))),
}, {more({sens}, facts) {
	for (const [, fan] of rowsOf(at(sens, 'fan'), 20).rows) facts.set(sensor(fan) || t('Fan'), `${count(amount(at(fan, 'rpm')))} ${t('rpm')}`)
	for (const [name, watts] of rowsOf(at(sens, 'w'), 20).rows) facts.set(text(name, 32), `${digits(amount(watts))} ${t('W')}`)
}})

const gpu = table('gpu', {
	Name: 'name', Busy: row => bar(busy(row)),
	Memory: row => ({text: ofBytes('vram_used', 'vram')(row), share: share(at(row, 'vram_used'), at(row, 'vram'))}),
	'°C': 'c digits', W: 'w digits',
})

const containers = table('ct', {Name: named, '<Engine': 'engine', ...USE, PIDs: 'pids count',
	Memory: row => ({text: bytes(amount(at(row, 'mem'))), share: share(at(row, 'mem'), at(row, 'mem_max'))})}, {sort})

function units(server, title) {
	const running = table('units.unit', {Name: named, ...USE, Tasks: 'tasks count'}, {sort})(server, title)
	const failed = h('ul')
	return {node: h('div', failed, running.node), update() {
		const {rows, total} = rowsOf(at(server.push, 'units', 'failed'))
		const lines = [...rows.map(([, name]) => `${t('Failed')}: ${text(name, 80)}`), rest(total, rows.length)]
		redraw(failed, lines.join(), () => total ? lines.map(line => h('li.fault', line)) : [h('li.muted', t('No failed unit.'))])
		running.update()
	}}
}

function top(server, title) {
	let order = 'cpu'
	const list = table(({top}) => at(top, order), {Name: 'name', PID: 'pid digits', ...USE, Memory: 'rss bytes', '<Service': 'unit'})(server, title)
	const tabs = Object.entries({cpu: 'CPU', mem: 'Memory', io: 'IO'}).map(([key, label]) => h('button.tab', {value: key, onclick() {
		order = key
		update()
	}}, t(label)))
	const update = () => {
		for (const tab of tabs) setAttr(tab, 'aria-pressed', String(tab.value === order))
		list.update()
	}
	return {node: h('div', h('div.tabs', {role: 'group', 'aria-label': t('Order')}, tabs), list.node), update}
}

const MOST = 40
const COLUMNS = 7

function others(server) {
	const [box, more, absent] = [h('div.tiles'), h('p.muted'), h('ul.muted')]
	const tiles = new Map()
	return {node: h('div', box, more, absent), update() {
		const {push, client: {info}} = server
		const all = server.unknown()
		const names = all.slice(0, MOST)
		for (const name of names) {
			let tile = tiles.get(name)
			if (!tile) {
				const [table, fault] = [new Table(text(name, 40)), h('p.muted')]
				tiles.set(name, tile = {table, fault, node: h('section.tile', h('h3', text(name, 40)), table.node, fault)})
				box.append(tile.node)
			}
			const none = push[name] === null
			if (!none) tile.table.set(...shaped(push[name], text(at(info?.plugins.get(name), 'unit'), 16)))
			tile.node.classList.toggle('tile-absent', none)
			const stale = num(at(push, '_meta', 'stale', name))
			setText(tile.fault, [text(at(push, '_meta', 'err', name)) || (none && t('No data now')), stale > 0 && t('{s} old', {s: span(stale)}), remarks(server, name)]
				.filter(Boolean).join(' · '))
		}
		for (const [name, {node}] of tiles) if (!names.includes(name)) {
			node.remove()
			tiles.delete(name)
		}
		setText(more, rest(all.length, MOST))
		const lines = server.remarked().slice(0, MOST).map(name => remarks(server, name))
		redraw(absent, lines.join(), () => lines.map(line => h('li', line)))
	}}
}

const isGauge = value => typeof value === 'number' || (at(value, 'value') !== undefined && !isObject(value.value))

/** Heads, rows and their total for a table, by the shape of the value. @returns {[string[], Cell[][], number?]} */
function shaped(value, unit) {
	if (isGauge(value)) return [[], [[gauge(value, unit)]]]
	const {rows, total} = rowsOf(value, MOST)
	const inner = rows.map(([, row]) => row)
	const keyed = !Array.isArray(value)
	if (!total || (!keyed && !inner.some(isObject))) return [[], [[total ? inner.map(plain).join(', ') : plain(value)]]]
	if (inner.every(isGauge)) return [[], rows.map(([key, row]) => [text(at(row, 'label') ?? at(row, 'name') ?? key, 40), gauge(row, unit)]), total]
	if (!inner.every(isObject)) return [[], rows.map(([key, item]) => [text(key, 40), plain(item)]), total]
	const columns = [...new Set(inner.flatMap(row => Object.keys(row).slice(0, COLUMNS)))].slice(0, COLUMNS)
	const heads = columns.map(key => `${inner.some(row => typeof at(row, key) === 'number') ? '>' : ''}${text(key, 20)}`)
	return [keyed ? ['', ...heads] : heads, rows.map(([key, row]) => [...(keyed ? [text(key, 60)] : []), ...columns.map(column => plain(at(row, column)))]), total]
}

function gauge(value, unitOf) {
	const [number, max, warn] = [num(at(value, 'value') ?? value), num(at(value, 'max')), num(at(value, 'warn'))]
	const unit = text(at(value, 'unit'), 16) || unitOf
	return {text: number !== number ? plain(at(value, 'value')) : unit === 'ratio' ? percent(number) : `${digits(number)} ${unit}`.trim(),
		share: max > 0 ? ratio(number / max) : undefined, level: number >= warn && 'warning'}
}

function plain(value) {
	if (typeof value === 'number') return digits(value)
	if (typeof value === 'object' && value) return `{${Object.keys(value).length}}`
	return text(value, 200) || NONE
}

/** Title, keys, builder, and when it is there without a key or opens by itself. @type {Section[]} */
export const SECTIONS = [
	['Processors', 'cpu_stat cpu', processors, {opens: true}],
	['Memory', 'meminfo mem', memory, {opens: true}],
	['Top processes', 'top', top, {offered: ({client}) => client.info?.plugins.has('top')}],
	['Network', 'net sock', network],
	['Disks', 'disk', disks],
	['Filesystems', 'fs', filesystems],
	['Pressure', 'psi', pressure],
	['Services', 'units', units],
	['Containers', 'ct', containers],
	['Sensors', 'sens', sensors],
	['Graphics', 'gpu', gpu],
	['Plugins', '', others, {offered: server => server.unknown().length + server.remarked().length > 0, opens: true}],
]
