// The sections of a card; one appears with its first key, or when offered.

import {fill, h, redraw, setAttr, setText, setTone} from './dom.js'
import {busy, cpusOf, full, memoryOf} from './figures.js'
import {amount, at, bytes, celsius, count, digits, NONE, num, percent, ratio, rowsOf, share, span, text} from './format.js'
import {MAX_CPUS} from './history.js'
import {t} from './i18n.js'
import {Facts, others, rest, table} from './table.js'

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
		setAttr(figure, 'data-level', level || null)
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

	return {node: h('div', bars, grid, readout, more, legend(CPU_PARTS), facts.node), update() {
		const now = cpusOf(server.push, MAX_CPUS)
		cpus = now.cpus
		const many = cpus.length > BARS
		grid.hidden = readout.hidden = !many
		bars.hidden = many
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
	Link(row) {
		const [up, speed] = [at(row, 'up'), amount(at(row, 'mbps'))]
		return up === false ? {text: t('down'), level: 'warning'} : {text: speed > 0 ? `${count(speed)} Mb/s` : up ? t('up') : NONE}
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
	High: row => celsius(num(at(row, 'max'))), Critical: row => celsius(num(at(row, 'crit'))),
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
	const tabs = Object.entries({cpu: 'Processor', mem: 'Memory', io: 'IO'}).map(([key, label]) => h('button.tab', {value: key, onclick() {
		order = key
		update()
	}}, t(label)))
	const update = () => {
		for (const tab of tabs) setAttr(tab, 'aria-pressed', String(tab.value === order))
		list.update()
	}
	return {node: h('div', h('div.tabs', {role: 'group', 'aria-label': t('Order')}, tabs), list.node), update}
}

/** @type {Section[]} */
export const SECTIONS = [
	{id: 'processors', title: 'Processors', keys: 'cpu_stat cpu', build: processors, opens: true},
	{id: 'memory', title: 'Memory', keys: 'meminfo mem', build: memory, opens: true},
	{id: 'top', title: 'Top processes', keys: 'top', build: top, offered: ({client}) => client.info?.plugins.has('top')},
	{id: 'network', title: 'Network', keys: 'net sock', build: network},
	{id: 'disks', title: 'Disks', keys: 'disk', build: disks},
	{id: 'filesystems', title: 'Filesystems', keys: 'fs', build: filesystems},
	{id: 'pressure', title: 'Pressure', keys: 'psi', build: pressure},
	{id: 'units', title: 'Services', keys: 'units', build: units},
	{id: 'containers', title: 'Containers', keys: 'ct', build: containers},
	{id: 'sensors', title: 'Sensors', keys: 'sens', build: sensors},
	{id: 'gpu', title: 'Graphics', keys: 'gpu', build: gpu},
	{id: 'others', title: 'Plugins', keys: '', build: others, offered: server => server.unknown().length + server.remarked().length > 0, opens: true},
]
