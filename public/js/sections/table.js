// Tables and pairs that every push fills again.

import {fill, h, redraw, setAttr, setText} from '../dom.js'
import {bytes, count, digits, NONE, percent, rate} from '../format.js'
import {t} from '../i18n.js'
import {amount, at, rowsOf, text} from '../values.js'

const FORMATS = {bytes, count, digits, percent, rate}

/** @param {Reading} how */
function reader(how) {
	if (typeof how === 'function') return how
	const [path, format] = how.split(' ')
	const keys = path.split('.')
	return format ? row => FORMATS[format](amount(at(row, ...keys))) : row => text(at(row, ...keys), 60) || NONE
}

export class Table {
	head = h('tr')
	body = h('tbody')
	more = h('p.more')
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
		setText(this.more, total > rows.length ? t('… {n} more', {n: total - rows.length}) : '')
	}
}

/** Pairs; one comes with its first figure. */
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
