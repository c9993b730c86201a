// Tables and pairs that every push fills again.

import {fill, h, redraw, setAttr, setText} from './dom.js'
import * as format from './format.js'
import {t} from './i18n.js'
import {remarks} from './view.js'

const {amount, at, digits, isObject, NONE, num, percent, ratio, rowsOf, span, text} = format

export const rest = (total, shown) => total > shown ? t('… {n} more', {n: total - shown}) : ''

/** @param {Reading} how */
function reader(how) {
	if (typeof how === 'function') return how
	const [path, name] = how.split(' ')
	const keys = path.split('.')
	return name ? row => format[name](amount(at(row, ...keys))) : row => text(at(row, ...keys), 60) || NONE
}

export class Table {
	head = h('tr')
	body = h('tbody')
	more = h('p.muted')
	constructor(caption) {
		this.node = h('div.table-box', {tabindex: 0, role: 'region', 'aria-label': caption}, h('table', h('thead', this.head), this.body), this.more)
	}

	set(heads, rows, total) {
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
				setAttr(node, 'data-level', level || null)
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

export const table = (list, columns, /** @type {any} */ {facts, sort, more} = {}) => (server, caption) => {
	const rowsIn = typeof list === 'string' ? push => at(push, ...list.split('.')) : list
	const readers = Object.values(columns).map(reader)
	const heads = Object.keys(columns).map((head, place) => (head[0] === '<' ? t(head.slice(1)) : (place ? '>' : '') + t(head)))
	const [view, pairs] = [new Table(caption), new Facts(facts)]
	return {node: h('div', view.node, pairs.node), update() {
		const {push} = server
		const {rows, total} = rowsOf(rowsIn(push), 1000)
		sort?.(rows)
		view.set(heads, rows.slice(0, 60).map(([name, row]) => readers.map(read => read(row, text(name, 80)))), total)
		view.node.hidden = !total
		pairs.read(push)
		more?.(push, pairs)
	}}
}

const MOST = 40
const COLUMNS = 7

export function others(server) {
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
			if (!none) {
				const {heads = [], rows, total = 0} = shaped(push[name], text(at(info?.plugins.get(name), 'unit'), 16))
				tile.table.set(heads, rows, total)
				tile.node.className = `tile tile-${heads.length ? 'wide' : rows.length === 1 && rows[0].length === 1 ? 'single' : 'list'}`
			}
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

function shaped(value, unit) {
	if (isGauge(value)) return {rows: [[gauge(value, unit)]]}
	const {rows, total} = rowsOf(value, MOST)
	const inner = rows.map(([, row]) => row)
	const keyed = !Array.isArray(value)
	if (!total || (!keyed && !inner.some(isObject))) return {rows: [[total ? inner.map(plain).join(', ') : plain(value)]]}
	if (inner.every(isGauge)) return {rows: rows.map(([key, row]) => [text(at(row, 'label') ?? at(row, 'name') ?? key, 40), gauge(row, unit)]), total}
	if (!inner.every(isObject)) return {rows: rows.map(([key, item]) => [text(key, 40), plain(item)]), total}
	const columns = [...new Set(inner.flatMap(row => Object.keys(row).slice(0, COLUMNS)))].slice(0, COLUMNS)
	const heads = columns.map(key => `${inner.some(row => typeof at(row, key) === 'number') ? '>' : ''}${text(key, 20)}`)
	return {heads: keyed ? ['', ...heads] : heads,
		rows: rows.map(([key, row]) => [...(keyed ? [text(key, 60)] : []), ...columns.map(column => plain(at(row, column)))]), total}
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
