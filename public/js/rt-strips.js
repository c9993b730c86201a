// The strips of one card, and reading an instant off them.

import {fill, h, setAttr, setText} from './dom.js'
import {ceiling, celsius, clock, digits, NONE, percent, scaled, span, steadyUnit, text} from './format.js'
import {WINDOW} from './history.js'
import {t} from './i18n.js'
import {Strips, xOf} from './plot.js'
import {view} from './view.js'

const WALL = 'cpu cores memory swap net disk psi'.split(' ')
/** Id, label, series, scale, signs, title. */
const STRIPS = [
	['cpu', 'CPU', 'cpu cpuWorst', 'ratio', ' ', 'about.cpu'], ['cores', 'Cores', '', 'heat'], ['memory', 'Mem', 'memory', 'ratio', ' ', 'about.memory'], ['swap', 'Swap', 'swap', 'ratio'],
	['load', 'Load', 'load', 'number'], ['running', 'Run', 'running', 'number', ' ', 'running'], ['net', 'Net', 'rx tx', 'rate', '↓↑', 'about.net'], ['disk', 'Disk', 'read write', 'rate', 'RW', 'about.disk'],
	['busy', 'Busy', 'busy', 'ratio', ' ', 'about.busy'], ['psi', 'PSI', 'psi', 'ratio', ' ', 'about.psi'], ['temp', 'Temp', 'temp', 'celsius', ' ', 'Sensors'], ['gpu', 'GPU', 'gpu', 'ratio', ' ', 'Graphics'],
]

export class RtStrips extends HTMLElement {
	rows = /** @type {any[]} */ ([])
	known = ''
	units = 0
	box = {width: 0, height: 0}
	canvas = h('canvas', {'aria-hidden': 'true'})
	picture = new Strips(this.canvas)
	needle = h('div.needle', {hidden: true})
	flags = h('div')
	point = ({clientX}) => {
		const {left, width} = this.plot.getBoundingClientRect()
		view.setCursor(this.end() - (1 - Math.min(1, Math.max(0, (clientX - left) / width))) * WINDOW)
	}
	plot = h('div.plot', {tabindex: 0, role: 'slider', 'aria-label': t('history'), 'aria-valuemin': -WINDOW / 1000, 'aria-valuemax': 0, 'aria-valuenow': 0, 'aria-valuetext': t('now'),
		onpointermove: this.point, onpointerdown: this.point, onblur: () => view.setCursor(null), onkeydown: event => this.key(event),
		// A lifted finger leaves the instant where it was.
		onpointerleave: ({pointerType}) => pointerType !== 'touch' && view.setCursor(null)}, this.canvas, this.flags, this.needle)
	sizes = new ResizeObserver(([entry]) => {
		this.box = entry.contentRect
		this.dispatchEvent(new Event('resized'))
	})

	/** @param {Server} server */
	constructor(server) {
		super()
		this.server = server
	}

	connectedCallback() {
		if (!this.plot.parentNode) this.append(this.plot)
		this.sizes.observe(this.plot)
	}

	disconnectedCallback() {
		this.sizes.disconnect()
	}

	/** Live strips move by whole samples, a silent one with the clock, so that its gap shows. */
	end() {
		const {history, phase} = this.server
		return view.frozen ?? (phase === 'live' && !this.server.staleFor() ? history.timeAt(history.length - 1) : Date.now())
	}

	key(event) {
		const step = this.server.client.interval * 1000
		const end = this.end()
		const here = view.cursor ?? end
		const to = {ArrowLeft: here - step, ArrowRight: here + step, PageUp: here + 30_000, PageDown: here - 30_000, Home: end - WINDOW, End: end, Escape: null}[event.key]
		if (to === undefined) return
		event.preventDefault()
		view.setCursor(to && Math.min(end, Math.max(end - WINDOW, to)))
	}

	grow() {
		const {series, cpuSlots} = this.server.history
		const {compact} = view.taste
		const known = `${series.size} ${cpuSlots} ${compact}`
		if (this.known === known) return
		this.known = known
		const unknown = [...series.keys()].filter(name => name.startsWith('x:')).map(name => [name, text(name.slice(2), 24), name, 'number'])
		let place = 1
		this.rows = [...STRIPS, ...unknown].filter(([id, , names, scale]) => (!compact || WALL.includes(id)) && (scale === 'heat' ? cpuSlots > 1 : names.split(' ').some(name => series.has(name)))).map(([id, label, names, scale, signs = ' ', title = label]) => {
			const heat = scale === 'heat'
			const lines = [...signs].map(() => h('span'))
			const row = this.rows.find(row => row.id === id) ?? {id, scale, signs, heat, units: heat ? 2 : 1, series: names.split(' '), lines, name: h('span.strip-label', {title: t(title)}, t(label)), value: h('span.strip-value', lines)}
			for (const node of [row.name, row.value]) node.style.gridRow = `${place} / span ${row.units}`
			place += row.units
			return row
		})
		this.units = place - 1
		this.style.setProperty('--units', String(this.units))
		// The plot stays, and with it its focus.
		for (const node of [...this.children]) if (node !== this.plot) node.remove()
		this.plot.before(...this.rows.flatMap(({name, value}) => [name, value]))
	}

	draw() {
		const {width, height} = this.box
		if (!width) return
		this.grow()
		const {history, gap, marks} = this.server
		const end = this.end()
		const [from, to] = [end - WINDOW, end].map(time => history.indexAt(time))
		let top = 0
		for (const row of this.rows) {
			const tall = (height / this.units) * row.units
			const peak = Math.max(...row.series.map(name => history.peak(name, from, to)))
			row.max = row.scale === 'ratio' ? 1 : row.scale === 'celsius' ? Math.max(100, peak) : ceiling(peak)
			if (row.scale === 'rate') row.unit = steadyUnit(row.unit, peak, 'rate')
			Object.assign(row, {top: top + 3, height: tall - 4})
			top += tall
		}
		if (top) this.picture.draw(history, end, gap, width, height, this.rows)
		const seen = marks.filter(({time}) => time > end - WINDOW && time <= end)
		fill(this.flags, seen.length, () => h('span.flag', h('span'))).forEach((flag, nth) => {
			const {time, kind} = seen[nth]
			const x = xOf(time, end, width)
			setText(flag.firstChild, t(kind))
			flag.title = clock(time)
			flag.classList.toggle('flag-left', x > width * 0.7)
			flag.style.left = `${x}px`
		})
		this.read(end, to, gap)
	}

	read(end, newest, gap) {
		const {history, alerts} = this.server
		const {cursor} = view
		const inside = cursor !== null && cursor >= end - WINDOW && cursor <= end
		const index = inside ? history.indexAt(cursor) : newest
		// Between two samples that are far apart there is nothing to read.
		const fresh = index >= 0 && (!inside || cursor - history.timeAt(index) <= gap)
		this.needle.hidden = !inside
		if (inside) this.needle.style.transform = `translateX(${xOf(cursor, end, this.box.width)}px)`
		const told = this.rows.map(row => {
			const figures = row.series.map(name => row.heat ? String(history.cpuSlots) : show(fresh ? history.valueAt(name, index) : NaN, row))
			row.lines.forEach((node, at) => setText(node, `${row.signs[at]} ${figures[at]}`.trim()))
			setAttr(row.value, 'data-level', inside ? null : alerts.active.get(row.id) ?? null)
			return `${row.name.textContent} ${figures[0]}`
		})
		if (!inside && document.activeElement !== this.plot) return
		const back = inside ? Math.round((end - cursor) / 1000) : 0
		setAttr(this.plot, 'aria-valuenow', String(-back))
		setAttr(this.plot, 'aria-valuetext', inside ? `${clock(cursor)}, ${t('{span} ago', {span: span(back)})}: ${told.join(', ')}` : t('now'))
	}
}

const show = (value, {scale, unit}) => value !== value ? NONE : {ratio: percent, celsius, number: digits}[scale]?.(value) ?? scaled(value, unit ?? {factor: 1, name: 'B/s'})

customElements.define('rt-strips', RtStrips)
