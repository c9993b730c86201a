// The sections of a card; one appears with its first key, or when offered.

import {h, redraw, setAttr, setText} from '../dom.js'
import {busy, full} from '../figures.js'
import {amount, at, bytes, celsius, count, digits, NONE, num, percent, ratio, rowsOf, share, span, text} from '../format.js'
import {t} from '../i18n.js'
import {memory, processors} from './bars.js'
import {others, table} from './table.js'

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
}, {facts: {TCP: 'sock.tcp count', 'Time-wait': 'sock.tw count', Orphans: 'sock.orphan count', UDP: 'sock.udp count', 'Retransmits/s': 'sock.retrans count', 'Queue drops/s': 'sock.listen_drop count',
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
		return {text: joined(text(at(row, 'type'), 16), at(row, 'ro') === true && t('read-only'), stale && t('not answering {s}', {s: stale > 0 ? span(num(stale)) : ''})), level: stale && 'warning'}
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
	const rest = table('units.unit', {Name: named, ...USE, Tasks: 'tasks count'}, {sort})(server, title)
	const failed = h('ul')
	return {node: h('div', failed, rest.node), update() {
		const {rows, total} = rowsOf(at(server.push, 'units', 'failed'))
		const lines = rows.map(([, name]) => `${t('Failed')}: ${text(name, 80)}`)
		if (total > rows.length) lines.push(t('… {n} more', {n: total - rows.length}))
		redraw(failed, lines.join(), () => lines.length ? lines.map(line => h('li.fault', line)) : [h('li.muted', t('No failed unit.'))])
		rest.update()
	}}
}

function top(server, title) {
	let order = 'cpu'
	const list = table(({top}) => at(top, order), {Name: 'name', PID: 'pid digits', ...USE, Memory: 'rss bytes', '<Service': 'unit'})(server, title)
	const waiting = h('p.muted')
	const tabs = Object.entries({cpu: 'Processor', mem: 'Memory', io: 'IO'}).map(([key, label]) => h('button.tab', {type: 'button', value: key, onclick() {
		order = key
		update()
	}}, t(label)))
	const update = () => {
		for (const tab of tabs) setAttr(tab, 'aria-pressed', String(tab.value === order))
		setText(waiting, at(server.push, 'top', order) ? '' : t('asked'))
		list.update()
	}
	return {node: h('div', h('div.tabs', {role: 'group', 'aria-label': t('Order')}, tabs), waiting, list.node), update}
}

/** @type {Section[]} */
export const SECTIONS = [
	{id: 'processors', title: 'Processors', keys: 'cpu_stat', build: processors, opens: true, scrubs: true},
	{id: 'memory', title: 'Memory', keys: 'meminfo', build: memory, opens: true},
	{id: 'top', title: 'Top processes', keys: 'top', build: top, offered: ({client}) => client.info?.plugins.has('top'), demand: true},
	{id: 'network', title: 'Network', keys: 'net sock', build: network},
	{id: 'disks', title: 'Disks', keys: 'disk', build: disks},
	{id: 'filesystems', title: 'Filesystems', keys: 'fs', build: filesystems},
	{id: 'pressure', title: 'Pressure', keys: 'psi', build: pressure},
	{id: 'units', title: 'Services', keys: 'units', build: units},
	{id: 'containers', title: 'Containers', keys: 'ct', build: containers},
	{id: 'sensors', title: 'Sensors', keys: 'sens', build: sensors},
	{id: 'gpu', title: 'Graphics', keys: 'gpu', build: gpu},
	{id: 'others', title: 'Plugins', keys: '', build: others, offered: server => server.unknown().length + server.unavailable().length > 0, opens: true},
]
