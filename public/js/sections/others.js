// Plugins the page has never heard of, drawn by the shape of what they send and by what `info` says of them; and those that
// are offered but can't be given, with the reason.

import { h, redraw, setAttr, setText } from '../dom.js'
import { digits, NONE, percent, span } from '../format.js'
import { t } from '../i18n.js'
import { at, isObject, num, rowsOf, text } from '../values.js'
import { Facts, Table } from './table.js'

const MOST = 40
const COLUMNS = 7

/** @param {import('../server.js').Server} server */
export function others(server) {
	const box = h('div', { class: 'tiles' })
	const more = h('p', { class: 'more' })
	const absent = h('ul', { class: 'muted' })
	const tiles = new Map()
	return { node: h('div', {}, box, more, absent), update() {
		const { push } = server
		const all = server.unknown()
		const names = all.slice(0, MOST)
		for (const name of names) {
			const shape = shapeOf(push[name])
			let tile = tiles.get(name)
			// A key that is null for now keeps the look it had.
			if (!tile || (tile.shape !== shape && shape !== 'none')) {
				tile?.node.remove()
				const body = SHAPES[shape](text(name, 40))
				const fault = h('p', { class: 'muted' })
				tile = { shape, body, fault, node: h('section', { class: `tile tile-${shape}` }, h('h3', {}, text(name, 40)), body.node, fault) }
				tiles.set(name, tile)
				box.append(tile.node)
			}
			if (shape !== 'none') tile.body.update(push[name], text(at(server.client.info?.plugins.get(name), 'unit'), 16))
			tile.node.classList.toggle('tile-absent', shape === 'none')
			const stale = num(at(push, '_meta', 'stale', name))
			setText(tile.fault, [text(at(push, '_meta', 'err', name)) || (shape === 'none' ? t('noData') : ''), stale > 0 ? t('old', { s: span(stale) }) : ''].filter(Boolean).join(' · '))
		}
		for (const [name, tile] of tiles) if (!names.includes(name)) {
			tile.node.remove()
			tiles.delete(name)
		}
		setText(more, all.length > names.length ? t('more', { n: all.length - names.length }) : '')
		const lines = server.unavailable().map(([name, why]) => `${name}: ${why}`)
		redraw(absent, lines.join(), () => lines.map((line) => h('li', {}, line)))
	} }
}

function shapeOf(value) {
	if (value === null || value === undefined) return 'none'
	if (typeof value !== 'object') return typeof value === 'number' ? 'gauges' : 'words'
	if (at(value, 'value') !== undefined && !isObject(value.value)) return 'gauges'
	const inner = rowsOf(value, MOST).rows.map(([, row]) => row)
	if (inner.length && inner.every((row) => isObject(row))) return inner.every((row) => at(row, 'value') !== undefined) ? 'gauges' : 'table'
	return Array.isArray(value) ? (inner.some(isObject) ? 'table' : 'words') : 'facts'
}

/** A value of any kind in one short line. */
function plain(value) {
	if (typeof value === 'number') return digits(num(value))
	if (typeof value !== 'object') return text(value, 200) || NONE
	return value === null ? NONE : `{${Object.keys(value).length}}`
}

const SHAPES = {
	/** A number, `{value, unit, max, warn}`, or several of these. */
	gauges() {
		const node = h('div')
		const meters = /** @type {any[]} */ ([])
		return { node, update(value, unitOf) {
			const single = typeof value === 'number' || at(value, 'value') !== undefined
			const rows = single ? [['', value]] : rowsOf(value, MOST).rows
			while (meters.length > rows.length) meters.pop().node.remove()
			rows.forEach(([key, gauge], place) => {
				const parts = meters[place] ??= meter(node)
				const [number, max, warn] = [num(at(gauge, 'value') ?? gauge), num(at(gauge, 'max')), num(at(gauge, 'warn'))]
				const unit = text(at(gauge, 'unit'), 16) || unitOf
				setText(parts.label, text(at(gauge, 'label') ?? at(gauge, 'name') ?? key, 40))
				setText(parts.figure, number !== number ? plain(at(gauge, 'value')) : unit === 'ratio' ? percent(number) : `${digits(number)} ${unit}`.trim())
				setAttr(parts.figure, 'data-level', number >= warn ? 'warning' : null)
				parts.bar.hidden = !(max > 0)
				parts.bar.style.setProperty('--share', String(Math.min(1, Math.max(0, number / max)) || 0))
			})
		} }
	},
	table(name) {
		const node = h('div')
		let table = /** @type {Table|undefined} */ (undefined)
		return { node, update(value) {
			const { rows, total } = rowsOf(value, MOST)
			const columns = [...new Set(rows.flatMap(([, row]) => Object.keys(row ?? {}).slice(0, COLUMNS)))].slice(0, COLUMNS)
			const keyed = !Array.isArray(value)
			redraw(node, columns.join(), () => {
				const heads = columns.map((key) => `${rows.some(([, row]) => typeof at(row, key) === 'number') ? '>' : ''}${text(key, 20)}`)
				table = new Table(name, keyed ? [' ', ...heads] : heads)
				return [table.node]
			})
			table?.set(rows.map(([key, row]) => [...(keyed ? [text(key, 60)] : []), ...columns.map((column) => plain(at(row, column)))]), total)
		} }
	},
	facts() {
		const facts = new Facts()
		return { node: facts.node, update: (value) => rowsOf(value, MOST).rows.forEach(([key, item]) => facts.set(text(key, 40), plain(item))) }
	},
	words() {
		const node = h('p')
		return { node, update: (value) => setText(node, Array.isArray(value) ? value.slice(0, MOST).map(plain).join(', ') : text(value, 400)) }
	},
	none: () => ({ node: h('p', {}, NONE), update() {} }),
}

function meter(box) {
	const [label, figure, bar] = [h('span', { class: 'meter-label' }), h('b', { class: 'meter-value' }), h('span', { class: 'meter-bar' })]
	const node = h('div', { class: 'meter' }, label, figure, bar)
	box.append(node)
	return { label, figure, bar, node }
}
