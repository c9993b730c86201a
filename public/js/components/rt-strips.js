// The strips of one card: label, five minutes of history, figure; all rows on one canvas and one time axis. Owns the pointer
// and the keys that read an instant off.

import { h, setAttr, setText } from '../dom.js'
import { ceiling, clock, digits, NONE, percent, scaled, span, steadyUnit } from '../format.js'
import { WINDOW } from '../history.js'
import { t } from '../i18n.js'
import { frameOf, Strips, xOf } from '../plot.js'
import { text } from '../values.js'
import { view } from '../view.js'

/** Name, its series, the scale; in the order of the card. */
const STRIPS = [['cpu', 'cpu cpuWorst', 'ratio'], ['cores', '', 'heat'], ['memory', 'memory', 'ratio'], ['swap', 'swap', 'ratio'], ['load', 'load', 'number'],
	['running', 'running', 'number'], ['net', 'rx tx', 'rate', '↓↑'], ['disk', 'read write', 'rate', 'RW'], ['busy', 'busy', 'ratio'], ['psi', 'psi', 'ratio'],
	['temp', 'temp', 'celsius'], ['gpu', 'gpu', 'ratio']].map(([id, series, scale, signs = ' ']) => ({ id, series: series.split(' '), scale, signs }))

export class RtStrips extends HTMLElement {
	constructor() {
		super()
		this.server = /** @type {import('../server.js').Server} */ (/** @type {unknown} */ (null))
		this.rows = /** @type {any[]} */ ([])
		this.known = -1
		this.units = 0
		this.box = { width: 0, height: 0 }
		this.canvas = h('canvas', { 'aria-hidden': 'true' })
		this.picture = new Strips(this.canvas)
		this.needle = h('div', { class: 'needle', hidden: true })
		this.flags = h('div', { class: 'flags' })
		const point = (event) => {
			const { left, width } = this.plot.getBoundingClientRect()
			view.setCursor(this.end() - (1 - Math.min(1, Math.max(0, (event.clientX - left) / width))) * WINDOW)
		}
		const leave = () => view.setCursor(null)
		this.plot = h('div', { class: 'plot', tabindex: 0, role: 'slider', 'aria-label': t('history'), 'aria-valuemin': -WINDOW / 1000, 'aria-valuemax': 0, 'aria-valuenow': 0,
			'aria-valuetext': t('now'), onpointermove: point, onpointerdown: point, onpointerleave: leave, onblur: leave, onkeydown: (event) => this.key(event) }, this.canvas, this.flags, this.needle)
		this.sizes = new ResizeObserver(([entry]) => {
			this.box = entry.contentRect
			this.dispatchEvent(new Event('resized'))
		})
	}

	connectedCallback() {
		if (!this.plot.parentNode) this.append(this.plot)
		this.sizes.observe(this.plot)
	}

	disconnectedCallback() {
		this.sizes.disconnect()
	}

	/** The instant at the right edge. Live strips move by whole samples; a silent one goes on with the clock and shows its gap. */
	end() {
		const { history, phase } = this.server
		return view.frozen ?? (phase === 'live' && !this.server.staleFor() ? history.timeAt(history.length - 1) : Date.now())
	}

	key(event) {
		const step = this.server.client.interval * 1000
		const end = this.end()
		const here = view.cursor ?? end
		const to = { ArrowLeft: here - step, ArrowRight: here + step, PageUp: here + 30_000, PageDown: here - 30_000, Home: end - WINDOW, End: end, Escape: null }[event.key]
		if (to === undefined) return
		event.preventDefault()
		view.setCursor(to === null ? null : Math.min(end, Math.max(end - WINDOW, to)))
	}

	/** Rows come with their first figure, and stay. */
	grow() {
		const { history } = this.server
		const known = history.series.size + history.cpuSlots
		if (known === this.known) return
		this.known = known
		const unknown = [...history.series.keys()].filter((name) => name.startsWith('x:')).map((name) => ({ id: name, series: [name], scale: 'number', signs: ' ' }))
		const wanted = [...STRIPS.filter(({ id, series }) => id === 'cores' ? history.cpuSlots > 1 : series.some((name) => history.series.has(name))), ...unknown]
		const before = new Map(this.rows.map((row) => [row.id, row]))
		let place = 1
		this.rows = wanted.map((strip) => {
			const own = strip.id.startsWith('x:')
			const row = before.get(strip.id) ?? { ...strip, units: strip.scale === 'heat' ? 2 : 1, label: h('span', { class: 'strip-label', title: own ? text(strip.id.slice(2)) : t(`about.${strip.id}`) }, own ? text(strip.id.slice(2), 24) : t(`strip.${strip.id}`)),
				lines: strip.series.map(() => h('span')) }
			row.value ??= h('span', { class: 'strip-value' }, ...row.lines.slice(0, row.signs.length))
			for (const node of [row.label, row.value]) node.style.gridRow = `${place} / span ${row.units}`
			place += row.units
			return row
		})
		this.units = place - 1
		this.style.setProperty('--units', String(this.units))
		this.replaceChildren(...this.rows.flatMap(({ label, value }) => [label, value]), this.plot)
	}

	draw() {
		if (!this.box.width) return
		this.grow()
		const { history, client } = this.server
		const frame = frameOf(history, this.end(), this.box.width, client.interval)
		if (this.units) this.paint(frame, this.box.height)
		this.read(frame)
	}

	paint(frame, height) {
		const { history, marks } = this.server
		const { picture } = this
		picture.begin(history, frame, height)
		let top = 0
		for (const row of this.rows) {
			const tall = (height / this.units) * row.units
			if (row.scale === 'heat') picture.heat(top + 2, tall - 4)
			else {
				const peak = Math.max(...row.series.map((name) => history.peak(name, frame.from, frame.to)))
				const max = row.scale === 'ratio' ? 1 : row.scale === 'celsius' ? Math.max(100, peak) : ceiling(peak)
				if (row.scale === 'rate') row.unit = steadyUnit(row.unit, peak, 'rate')
				row.series.forEach((name, at) => picture.line({ name, top: top + 3, height: tall - 4, max, colour: at ? 'second' : 'accent', fill: !at }))
			}
			picture.foot(top += tall)
		}
		// Reboots and clock jumps: a dashed stem through all rows, its word as text.
		const seen = marks.filter(({ time }) => time > frame.end - WINDOW && time <= frame.end)
		while (this.flags.childElementCount > seen.length) this.flags.lastElementChild?.remove()
		picture.end(seen.map(({ time }) => time))
		seen.forEach(({ time, kind }, at) => {
			const x = xOf(frame, time)
			const flag = /** @type {HTMLElement} */ (this.flags.children[at] ?? this.flags.appendChild(h('span')))
			setText(flag, t(`mark.${kind}`))
			flag.title = clock(time)
			flag.classList.toggle('flag-left', x > frame.width * 0.7)
			flag.style.left = `${x}px`
		})
	}

	/** Figures of the newest sample shown, or of the one under the needle. */
	read(frame) {
		const { history, alerts } = this.server
		const { cursor } = view
		const inside = cursor !== null && cursor >= frame.end - WINDOW && cursor <= frame.end
		const index = inside ? history.indexAt(cursor) : frame.to
		// Between two samples that are far apart there is nothing to read.
		const fresh = index >= 0 && (!inside || cursor - history.timeAt(index) <= frame.gap)
		this.needle.hidden = !inside
		if (inside) this.needle.style.transform = `translateX(${xOf(frame, cursor)}px)`
		const spoken = []
		for (const row of this.rows) {
			for (const [at, node] of row.lines.entries()) {
				const figure = row.scale === 'heat' ? String(history.cpuSlots) : show(fresh ? history.valueAt(row.series[at], index) : NaN, row)
				setText(node, `${row.signs[at] ?? ''} ${figure}`.trim())
				if (!at) spoken.push(`${row.label.textContent} ${figure}`)
			}
			setAttr(row.value, 'data-level', inside ? null : alerts.active.get(row.id) ?? null)
		}
		if (!inside && document.activeElement !== this.plot) return
		const back = inside ? Math.round((frame.end - cursor) / 1000) : 0
		setAttr(this.plot, 'aria-valuenow', String(-back))
		setAttr(this.plot, 'aria-valuetext', inside ? `${clock(cursor)}, ${t('ago', { span: span(back) })}: ${spoken.join(', ')}` : t('now'))
	}
}

function show(value, { scale, unit }) {
	if (value !== value) return NONE
	if (scale === 'ratio') return percent(value)
	if (scale === 'rate') return scaled(value, unit ?? { factor: 1, name: 'B/s' })
	return scale === 'celsius' ? `${value.toFixed(0)} °C` : digits(value)
}

customElements.define('rt-strips', RtStrips)
