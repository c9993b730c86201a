// The fleet at a glance: one cell a server, its figure as height and tone, its state as a mark; click to jump.

import { h, icon, redraw, setAttr, setText } from '../dom.js'
import { percent } from '../format.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { largest } from '../values.js'
import { everySecond, request, view } from '../view.js'
import { describe, matches } from './rt-server.js'

/** What the cells show and are sorted by; `none` is the worst of all in the order of the configuration. */
const SORTS = { none: ['cpu', 'memory', 'psi'], worst: ['cpu', 'memory', 'psi'], cpu: ['cpuWorst'], memory: ['memory'], pressure: ['psi'], disk: ['busy', 'full'] }
/** Milliseconds between two orders: not more often than one can follow. */
const CALM = 3000

class RtFleet extends HTMLElement {
	constructor() {
		super()
		this.cells = /** @type {Map<import('../server.js').Server, HTMLButtonElement>} */ (new Map())
		this.sortedAt = 0
		this.list = h('div', { class: 'fleet-cells', role: 'group', 'aria-label': t('fleet') })
		this.select = h('select', { 'aria-label': t('fleet.sort'), onchange: () => {
			this.sortedAt = 0
			view.setTaste({ sort: this.select.value })
		} }, ...Object.keys(SORTS).map((key) => h('option', { value: key, selected: key === view.taste.sort }, t(`sort.${key}`))))
		this.paint = () => this.draw()
		this.ask = () => request(this.paint)
		this.build = () => {
			this.cells = new Map(store.list.map((server) => [server, h('button', { type: 'button', class: 'cell', onclick: () => jump(server) }, ...['bar', 'mark', 'name'].map((name) => h('span', { class: `cell-${name}` })))]))
			this.list.replaceChildren(...this.cells.values())
			// One server needs no glance: its card is all there is.
			this.hidden = this.cells.size < 2
			this.ask()
		}
	}

	connectedCallback() {
		this.append(this.list, this.select)
		store.addEventListener('servers', this.build)
		view.addEventListener('change', this.ask)
		this.stop = everySecond(this.ask)
		this.build()
	}

	disconnectedCallback() {
		store.removeEventListener('servers', this.build)
		view.removeEventListener('change', this.ask)
		this.stop?.()
	}

	draw() {
		if (this.hidden) return
		const rows = [...this.cells].map(([server, cell]) => {
			const { history, alerts: { level }, phase } = server
			const index = view.frozen === null ? history.length - 1 : history.indexAt(view.frozen)
			const value = phase === 'live' ? largest(SORTS[view.taste.sort]?.map((name) => history.valueAt(name, index)) ?? []) : NaN
			const state = describe(server)
			const mark = level !== 'ok' ? level : ['live', 'frozen'].includes(state.id) ? '' : state.icon
			const told = `${server.config.name}: ${state.word}, ${percent(value)}, ${t(`level.${level}`)}`
			for (const [name, said] of Object.entries({ 'aria-label': told, title: told, 'data-level': level })) setAttr(cell, name, said)
			const [bar, sign, name] = /** @type {HTMLElement[]} */ ([...cell.children])
			bar.style.setProperty('--share', (value || 0).toFixed(2))
			bar.style.setProperty('--tone', `var(--heat-${value >= 0.85 ? 3 : value >= 0.6 ? 2 : 1})`)
			redraw(sign, mark, () => (mark ? [icon(mark)] : []))
			setText(name, server.config.name)
			cell.hidden = view.filter !== '' && !matches(server, view.filter)
			return { cell, value: value || 0 }
		})
		// Not while a hand is on it.
		if (Date.now() - this.sortedAt < CALM || this.list.matches(':hover, :focus-within')) return
		this.sortedAt = Date.now()
		if (view.taste.sort !== 'none') rows.sort((a, b) => b.value - a.value)
		if (rows.some(({ cell }, place) => this.list.children[place] !== cell)) this.list.replaceChildren(...rows.map(({ cell }) => cell))
	}
}

function jump(server) {
	const card = [...document.querySelectorAll('rt-server')].find((one) => /** @type {any} */ (one).server === server)
	card?.scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' })
	card?.querySelector('h2')?.focus({ preventScroll: true })
}

customElements.define('rt-fleet', RtFleet)
