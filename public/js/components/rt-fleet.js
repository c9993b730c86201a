// The fleet at a glance, a cell a server.

import {LiveElement, h, icon, redraw, setAttr, setText} from '../dom.js'
import {percent} from '../format.js'
import {t} from '../i18n.js'
import {alarm, describe, matches} from '../states.js'
import {store} from '../store.js'
import {largest} from '../values.js'
import {request, view} from '../view.js'

const WORST = ['cpu', 'memory', 'psi']
const SORTS = {none: ['As laid out', ...WORST], worst: ['Worst figure', ...WORST], cpu: ['Worst processor', 'cpuWorst'], memory: ['Memory', 'memory'], pressure: ['Pressure', 'psi'], disk: ['Disk', 'busy', 'full']}
const CALM = 3000

class RtFleet extends LiveElement {
	cells = new Map()
	sortedAt = 0
	list = h('div.fleet-cells', {role: 'group', 'aria-label': t('All servers')})
	select = h('select', {'aria-label': t('Order of servers'), onchange: () => {
		this.sortedAt = 0
		view.setTaste({sort: this.select.value})
	}}, Object.entries(SORTS).map(([value, [label]]) => h('option', {value, selected: value === view.taste.sort}, t(label))))
	paint = () => this.draw()
	ask = () => request(this.paint)

	enter() {
		this.append(this.list, this.select)
		this.on(store, 'servers', () => this.build())
		this.on(view, 'change second', this.ask)
		this.build()
	}

	build() {
		this.cells = new Map(store.list.map(server => [server, h('button.cell', {type: 'button', onclick: () => jump(server)}, h('span.cell-bar'), h('span.cell-mark'), h('span.cell-name'))]))
		this.list.replaceChildren(...this.cells.values())
		// One server needs no glance.
		this.hidden = this.cells.size < 2
		this.ask()
	}

	draw() {
		if (this.hidden) return
		const [, ...names] = SORTS[view.taste.sort] ?? SORTS.none
		const rows = [...this.cells].map(([server, cell]) => {
			const {history, alerts: {level}, phase, config: {name}} = server
			const index = history.indexAt(view.frozen ?? Infinity)
			const value = phase === 'live' ? largest(names.map(name => history.valueAt(name, index))) : NaN
			const state = describe(server)
			const mark = level !== 'ok' ? level : ['live', 'frozen'].includes(state.id) ? '' : state.icon
			const told = `${name}: ${state.word}, ${percent(value)}, ${alarm(server) || t('no alarm')}`
			for (const [key, said] of Object.entries({'aria-label': told, title: told, 'data-level': level})) setAttr(cell, key, said)
			const [bar, sign, label] = cell.children
			bar.style.setProperty('--share', (value || 0).toFixed(2))
			bar.style.setProperty('--tone', `var(--heat-${value >= 0.85 ? 3 : value >= 0.6 ? 2 : 1})`)
			redraw(sign, mark, () => (mark ? [icon(mark)] : []))
			setText(label, name)
			cell.hidden = view.filter !== '' && !matches(server, view.filter)
			return {cell, value: value || 0}
		})
		// Not while a hand is on it.
		if (Date.now() - this.sortedAt < CALM || this.list.matches(':hover, :focus-within')) return
		this.sortedAt = Date.now()
		if (view.taste.sort !== 'none') rows.sort((a, b) => b.value - a.value)
		if (rows.some(({cell}, place) => this.list.children[place] !== cell)) this.list.replaceChildren(...rows.map(({cell}) => cell))
	}
}

function jump(server) {
	const card = [.../** @type {any} */ (document.querySelectorAll('rt-server'))].find(one => one.server === server)
	card?.scrollIntoView({behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'})
	card?.heading.focus({preventScroll: true})
}

customElements.define('rt-fleet', RtFleet)
