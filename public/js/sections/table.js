// Tables and pairs that are filled again with every push: cells are kept and only their text changes.

import { h, setAttr, setText } from '../dom.js'
import { t } from '../i18n.js'

/** A cell is a text, or a text with a share (drawn behind it) or a level. @typedef {string|{text: string, share?: number, level?: string}} Cell */

export class Table {
	/** @param {string} caption read out, not shown @param {string[]} heads with a leading `>` for figures and `*` for long texts */
	constructor(caption, heads) {
		const kind = (head) => ({ '>': 'end', '*': 'wide' })[head[0]]
		this.make = () => h('tr', {}, ...heads.map((head, at) => (at ? h('td', { class: kind(head) }) : h('th', { scope: 'row', class: kind(head) }))))
		this.body = h('tbody')
		this.more = h('p', { class: 'more' })
		const row = h('tr', {}, ...heads.map((head) => h('th', { scope: 'col', class: kind(head) }, head.replace(/^[>*]/, ''))))
		this.node = h('div', { class: 'table-box', tabindex: 0, role: 'region', 'aria-label': caption }, h('table', {}, h('thead', {}, row), this.body), this.more)
	}

	/** @param {Cell[][]} rows @param {number} [total] how many there are in all */
	set(rows, total = rows.length) {
		while (this.body.rows.length > rows.length) this.body.deleteRow(-1)
		rows.forEach((cells, r) => {
			const row = this.body.rows[r] ?? this.body.appendChild(this.make())
			cells.forEach((cell, c) => {
				const node = row.cells[c]
				const { text, share, level } = typeof cell === 'string' ? { text: cell, share: undefined, level: undefined } : cell
				if (node.textContent !== text) node.title = node.textContent = text
				if (share !== undefined) node.style.setProperty('--share', String(share || 0))
				setAttr(node, 'data-level', level || null)
			})
		})
		setText(this.more, total > rows.length ? t('more', { n: total - rows.length }) : '')
	}
}

/** Pairs of a name and a figure, side by side as far as there is room. */
export class Facts {
	constructor() {
		this.node = h('dl', { class: 'facts' })
		this.values = new Map()
	}

	/** @param {string} label @param {string} value */
	set(label, value) {
		if (!this.values.has(label)) {
			const node = h('dd')
			this.values.set(label, node)
			this.node.append(h('div', {}, h('dt', {}, label), node))
		}
		setText(this.values.get(label), value)
	}
}
