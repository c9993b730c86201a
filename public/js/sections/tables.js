// The sections that are a table, each as the list of its columns and the reading of one row.

import { h, redraw, setText } from '../dom.js'
import { bytes, count, digits, NONE, percent, rate, span } from '../format.js'
import { busy, fill } from '../figures.js'
import { t } from '../i18n.js'
import { amount, at, num, ratio, rowsOf, share, text } from '../values.js'
import { Facts, Table } from './table.js'

/** @typedef {import('../server.js').Server} Server */
/** @typedef {import('./table.js').Cell} Cell */

const celsius = (value) => value === value ? `${value.toFixed(0)} °C` : NONE
const bar = (value, level = '') => ({ text: percent(value), share: value, level })
const figure = (row, key, format) => format(amount(at(row, key)))
const named = (row, ...keys) => keys.map((key) => text(at(row, key), 40)).filter(Boolean).join(' · ')
/** Columns that several tables share: what a group of processes uses. */
const USE = ['>cpu', '>memory', '>read', '>write']
const uses = (row, memory) => [percent(amount(at(row, 'cpu'))), figure(row, memory, bytes), figure(row, 'rd', rate), figure(row, 'wr', rate)]
const byCpu = (rows) => rows.sort(([, a], [, b]) => (amount(at(b, 'cpu')) || 0) - (amount(at(a, 'cpu')) || 0))

/**
 * @param {string} id of the section @param {string[]} heads keys of texts
 * @param {(push: any) => any} list @param {(name: string, row: any) => Cell[]} cells
 * @param {(push: any, facts: Facts) => void} [more] pairs below the table
 */
const table = (id, heads, list, cells, more, sort = (rows) => rows) => (/** @type {Server} */ server) => {
	const view = new Table(t(`section.${id}`), heads.map((head) => head.replace(/\w.*/, (key) => t(`col.${key}`))))
	const facts = new Facts()
	return { node: h('div', {}, view.node, facts.node), update() {
		const { rows, total } = rowsOf(list(server.push), 1000)
		const shown = sort(rows).slice(0, 60).map(([name, row]) => cells(text(name, 80), row))
		view.set(shown, total)
		view.node.hidden = !total
		more?.(server.push, facts)
	} }
}

const pairs = (push, facts, key, names, format = count) => names.split(' ').forEach((name) => {
	const value = amount(at(push, key, name))
	if (value === value) facts.set(t(`${key}.${name}`), format(value))
})

export const network = table('network', ['interface', '>received', '>sent', '>faults', '>link'], (push) => at(push, 'net', 'if'), (name, row) => {
	const faults = amount(at(row, 'err')) + amount(at(row, 'drop'))
	const [up, speed] = [at(row, 'up'), amount(at(row, 'mbps'))]
	return [name, figure(row, 'rx', rate), figure(row, 'tx', rate), { text: count(faults), level: faults > 0 ? 'warning' : '' },
		{ text: up === false ? t('link.down') : speed > 0 ? `${count(speed)} Mb/s` : up ? t('link.up') : NONE, level: up === false ? 'warning' : '' }]
}, (push, facts) => {
	pairs(push, facts, 'sock', 'tcp tw orphan udp retrans listen_drop')
	const [used, most] = ['0', '1'].map((place) => amount(at(push, 'sock', 'conntrack', place)))
	if (used === used) facts.set(t('sock.conntrack'), `${count(used)} / ${count(most)}`)
})

export const disks = table('disks', ['device', '>read', '>write', '>busy', '>wait'], (push) => at(push, 'disk', 'dev'), (name, row) => {
	const util = ratio(at(row, 'util'))
	return [name, figure(row, 'r', rate), figure(row, 'w', rate), bar(util, util > 0.95 ? 'warning' : ''), `${figure(row, 'r_ms', digits)} / ${figure(row, 'w_ms', digits)}`]
})

export const filesystems = table('filesystems', ['*mount', '>used', '>free', '>inodes', 'type'], (push) => push.fs, (_, row) => {
	const used = fill(row)
	const stale = at(row, 'stale')
	const level = at(row, 'ro') || !(used >= 0.9) ? '' : used >= 0.97 ? 'critical' : 'warning'
	const kind = [text(at(row, 'type'), 16), at(row, 'ro') === true && t('fs.ro'), stale && t('fs.stale', { s: num(stale) > 0 ? span(stale) : '' })]
	return [text(at(row, 'mnt'), 80), bar(used, level), figure(row, 'avail', bytes), percent(num(at(row, 'inode_pct')) / 100), { text: kind.filter(Boolean).join(' · '), level: stale ? 'warning' : '' }]
})

export const pressure = table('pressure', ['waiting', '>10s', '>1min', '>5min'],
	(push) => Object.fromEntries(['cpu', 'memory', 'io', 'irq'].flatMap((kind) => ['some', 'full'].map((who) => [`${t(`psi.${kind}`)} · ${t(`psi.${who}`)}`, at(push, 'psi', kind, who)])).filter(([, row]) => Array.isArray(row))),
	(name, row) => [name, ...['0', '1', '2'].map((place) => bar(ratio(num(at(row, place)) / 100)))])

export const sensors = table('sensors', ['*sensor', '>now', '>high', '>critical'], (push) => at(push, 'sens', 't'), (_, row) => {
	const [now, high, critical] = ['c', 'max', 'crit'].map((key) => num(at(row, key)))
	return [named(row, 'chip', 'label'), { text: celsius(now), level: now >= critical ? 'critical' : now >= high ? 'warning' : '' }, celsius(high), celsius(critical)]
}, (push, facts) => {
	for (const [, fan] of rowsOf(at(push, 'sens', 'fan'), 20).rows) facts.set(named(fan, 'label') || t('fan'), `${figure(fan, 'rpm', count)} ${t('rpm')}`)
	for (const [name, watts] of rowsOf(at(push, 'sens', 'w'), 20).rows) facts.set(text(name, 32), `${digits(amount(watts))} ${t('col.W')}`)
})

export const gpu = table('gpu', ['*adapter', '>busy', '>memory', '>°C', '>W'], (push) => push.gpu, (_, row) => [text(at(row, 'name'), 60), bar(busy(at(row, 'busy'))),
	{ text: `${figure(row, 'vram_used', bytes)} / ${figure(row, 'vram', bytes)}`, share: share(at(row, 'vram_used'), at(row, 'vram')) }, digits(num(at(row, 'c'))), figure(row, 'w', digits)])

export const containers = table('containers', ['*container', 'engine', ...USE, '>pids'], (push) => push.ct, (name, row) => {
	const [cpu, memory, ...io] = uses(row, 'mem')
	return [name, text(at(row, 'engine'), 16), cpu, { text: memory, share: share(at(row, 'mem'), at(row, 'mem_max')) }, ...io, figure(row, 'pids', count)]
}, undefined, byCpu)

const services = table('units', ['*service', ...USE, '>tasks'], (push) => at(push, 'units', 'unit'), (name, row) => [name, ...uses(row, 'mem'), figure(row, 'tasks', count)], undefined, byCpu)

/** Failed units first, by name. @param {Server} server */
export function units(server) {
	const rest = services(server)
	const failed = h('ul', { class: 'failed' })
	return { node: h('div', {}, failed, rest.node), update() {
		const { rows, total } = rowsOf(at(server.push, 'units', 'failed'))
		const lines = rows.map(([, name]) => `${t('failed')}: ${text(name, 80)}`)
		if (total > rows.length) lines.push(t('more', { n: total - rows.length }))
		redraw(failed, lines.join(), () => (lines.length ? lines : [t('noneFailed')]).map((line) => h('li', { class: lines.length ? 'fault' : 'muted' }, line)))
		rest.update()
	} }
}

/** Who did it: the processes that use the most, asked for only while this section is open. @param {Server} server */
export function top(server) {
	let order = 'cpu'
	const list = table('top', ['*process', '>pid', ...USE, '*service'], (push) => at(push, 'top', order), (_, row) => [text(at(row, 'name'), 40), text(at(row, 'pid'), 12), ...uses(row, 'rss'), text(at(row, 'unit'), 60)])(server)
	const waiting = h('p', { class: 'muted' })
	const orders = ['cpu', 'mem', 'io']
	const tabs = orders.map((key) => h('button', { type: 'button', class: 'tab', 'aria-pressed': String(key === order), onclick: () => {
		order = key
		tabs.forEach((tab, place) => tab.setAttribute('aria-pressed', String(orders[place] === order)))
		update()
	} }, t(`top.${key}`)))
	const update = () => {
		setText(waiting, at(server.push, 'top', order) ? '' : t('top.waiting'))
		list.update()
	}
	return { node: h('div', {}, h('div', { class: 'tabs', role: 'group', 'aria-label': t('top.order') }, ...tabs), waiting, list.node), update }
}
