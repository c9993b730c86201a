// The strips of one card, as pixels since paths cost ten times as much, and reading an instant off them.

import {fill, h, LiveElement, setAttr, setText} from './dom.js'
import {ceiling, celsius, clock, digits, NONE, percent, ratio, scaled, span, steadyUnit, text} from './format.js'
import {WINDOW} from './figures.js'
import {t} from './i18n.js'
import {view} from './view.js'

let themes = 0
const solid = {}
const heat = new Uint32Array(101)

/** Reads the theme’s colours from the style sheet, for the strips drawn from now on. */
export function recolour() {
	themes++
	const probe = document.body.appendChild(document.createElement('i'))
	const channels = name => {
		probe.style.color = `var(--${name})`
		return (getComputedStyle(probe).color.match(/\d+/g) ?? []).map(Number)
	}
	const packed = rgb => rgb.reduceRight((sum, part) => (sum << 8) | part)
	for (const name of ['muted', 'accent', 'second']) solid[name] = packed(channels(name))
	const stops = [0, 1, 2, 3].map(stop => channels(`heat-${stop}`))
	heat.forEach((_, percent) => {
		const low = Math.min(Math.floor(percent * 0.03), 2)
		heat[percent] = 0xff000000 | packed(stops[low].map((from, c) => from + (stops[low + 1][c] - from) * (percent * 0.03 - low)))
	})
	probe.remove()
}

const xOf = (time, end, width) => width - ((end - time) / WINDOW) * width

class Strips {
	image = new ImageData(1, 1)
	pixels = new Uint32Array(1)
	look = ''
	right = 0
	newest = 0

	constructor(canvas) {
		this.canvas = canvas
	}

	/** @param {Samples} history @param {StripRow[]} rows */
	draw(history, end, gap, width, height, rows) {
		themes || recolour()
		const scale = devicePixelRatio || 1
		const [wide, high] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))]
		const look = `${[wide, high, gap, themes]} ${rows.map(({series, max, top}) => [series, max, top]).join(' ')}`
		const right = Math.floor((end * wide) / WINDOW)
		const oldest = history.count - history.length
		const to = history.indexAt(end)
		let [from, moved] = [this.newest - oldest + 1, right - this.right]
		const known = look === this.look && moved >= 0 && moved < wide && from > 0 && from <= to + 1
		if (!known) [from, moved] = [Math.max(0, history.indexAt(end - WINDOW)), wide]
		if (this.image.width !== wide || this.image.height !== high) {
			this.image = new ImageData(wide, high)
			this.pixels = new Uint32Array(this.image.data.buffer)
			Object.assign(this.canvas, {width: wide, height: high})
		}
		Object.assign(this, {look, right, newest: oldest + to})
		const {pixels} = this
		const place = time => Math.floor((time * wide) / WINDOW) - right + wide - 1
		const dirty = known ? Math.max(0, place(history.timeAt(from - 1)) + 1) : 0
		if (moved && known) pixels.copyWithin(0, moved)
		for (let y = 0; y < high; y++) pixels.fill(0, y * wide + dirty, (y + 1) * wide)

		const column = (x, top, bottom, colour, step = 1) => {
			if (x >= 0 && x < wide) for (let y = top; y <= bottom; y += step) pixels[y * wide + x] = colour
		}
		const {times, cpus, cpuSlots} = history
		const walk = (values, act) => {
			for (let index = from; index <= to; index++) {
				const [slot, before] = [history.slot(index), index && history.slot(index - 1)]
				if (values && values[slot] !== values[slot]) continue
				const x = place(times[slot])
				const touch = index > 0 && times[slot] - times[before] <= gap && !(values && values[before] !== values[before])
				act(touch ? place(times[before]) : x - 1, x, touch ? before : slot, slot)
			}
		}
		for (const row of rows) {
			const [top, tall] = [Math.round(row.top * scale), Math.round(row.height * scale)]
			if (row.heat) walk(null, (x0, x1, _, slot) => {
				for (let y = 0; y < tall; y++) {
					const tone = heat[cpus[slot * cpuSlots + Math.floor((y * cpuSlots) / tall)]] ?? 0
					for (let x = Math.max(0, Math.min(x0 + 1, x1)); x <= x1; x++) column(x, top + y, top + y, tone)
				}
			})
			else row.series.forEach((name, nth) => {
				const values = history.series.get(name)
				if (!values) return
				const base = top + tall - 1
				const [ink, light, thick] = [0xff000000 | solid[nth ? 'second' : 'accent'], 0x38000000 | solid.accent, Math.round(scale)]
				const level = slot => base - Math.round((Math.min(values[slot], row.max) / row.max) * (tall - 1))
				walk(values, (x0, x1, slot0, slot1) => {
					const [y0, y1] = [level(slot0), level(slot1)]
					let last = y0
					for (let x = Math.max(0, Math.min(x0 + 1, x1)); x <= x1; x++) {
						const y = x1 > x0 ? Math.round(y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)) : y1
						if (!nth) column(x, Math.max(y, last) + thick, base, light)
						column(x, Math.min(y, last), Math.max(y, last) + thick - 1, ink)
						last = y
					}
				})
			})
		}
		// Hatched where nothing came.
		for (let index = Math.max(1, from); index <= to + 1; index++) {
			const [time, next] = [history.timeAt(index - 1), index <= to ? history.timeAt(index) : end]
			if (next - time > gap) for (let x = Math.max(0, place(time) + 1); x <= place(next); x++) column(x, 5 - ((x + right) % 6), high - 1, 0x80000000 | solid.muted, 6)
		}
		const changed = moved ? 0 : Math.max(0, dirty - 1)
		this.canvas.getContext('2d')?.putImageData(this.image, 0, 0, changed, 0, wide - changed, high)
	}
}

/** Time on all strips at once. */
const read = cursor => view.set({cursor}, 'time')
const WALL = 'cpu cores memory swap net disk psi'.split(' ')
/** Id, label, series, scale, title, signs. */
const STRIPS = [
	['cpu', 'CPU', 'cpu cpuWorst', 'ratio', 'about.cpu'], ['cores', 'Cores', '', 'heat'],
	['memory', 'Mem', 'memory', 'ratio', 'Memory'], ['swap', 'Swap', 'swap', 'ratio'],
	['load', 'Load', 'load', 'number'], ['running', 'Run', 'running', 'number', 'running'], ['net', 'Net', 'rx tx', 'rate', 'Network', '↓↑'],
	['disk', 'Disk', 'read write', 'rate', 'Disks', 'RW'],
	['busy', 'Busy', 'busy', 'ratio', 'Disks'], ['psi', 'PSI', 'psi', 'ratio', 'about.psi'], ['temp', 'Temp', 'temp', 'celsius', 'Sensors'],
	['gpu', 'GPU', 'gpu', 'ratio', 'Graphics'],
]

export class RtStrips extends LiveElement {
	rows = []
	known = ''
	units = 0
	box = {width: 0, height: 0}
	canvas = h('canvas')
	picture = new Strips(this.canvas)
	needle = h('span.flag.needle', {hidden: true}, h('span'))
	flags = h('div')
	point = ({clientX}) => {
		const {left, width} = this.plot.getBoundingClientRect()
		read(this.end() - (1 - ratio((clientX - left) / width)) * WINDOW)
	}
	plot = h('div.plot', {tabindex: 0, role: 'slider', 'aria-label': t('history'),
		'aria-valuemin': -WINDOW / 1000, 'aria-valuemax': 0, 'aria-valuenow': 0, 'aria-valuetext': t('now'),
		onpointermove: this.point, onpointerdown: this.point, onblur: () => read(null), onkeydown: event => this.key(event),
		// A lifted finger leaves the instant where it was.
		onpointerleave: ({pointerType}) => pointerType !== 'touch' && read(null)}, this.canvas, this.flags, this.needle)
	sizes = new ResizeObserver(([entry]) => {
		this.box = entry.contentRect
		this.dispatchEvent(new Event('resized'))
	})

	constructor(server) {
		super()
		this.server = server
	}

	enter() {
		if (!this.plot.parentNode) this.append(this.plot)
		this.sizes.observe(this.plot)
		this.on(this.life.signal, 'abort', () => this.sizes.disconnect())
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
		const to = {ArrowLeft: here - step, ArrowRight: here + step, PageUp: here + 30_000, PageDown: here - 30_000,
			Home: end - WINDOW, End: end, Escape: null}[event.key]
		if (to === undefined) return
		event.preventDefault()
		read(to && Math.min(end, Math.max(end - WINDOW, to)))
	}

	grow() {
		const {series, cpuSlots} = this.server.history
		const {compact} = view.taste
		const known = `${series.size} ${cpuSlots} ${compact}`
		if (this.known === known) return
		this.known = known
		const unknown = [...series.keys()].filter(name => name.startsWith('x:')).map(name => [name, text(name.slice(2), 24), name, 'number'])
		let place = 1
		/** @param {any[]} row */
		const shown = ([id, , names, scale]) => (!compact || WALL.includes(id)) && (scale === 'heat' ? cpuSlots > 1 : names.split(' ').some(name => series.has(name)))
		this.rows = [...STRIPS, ...unknown].filter(shown).map(([id, label, names, scale, title = label, signs = ' ']) => {
			const heat = scale === 'heat'
			const lines = [...signs].map(() => h('span'))
			const row = this.rows.find(row => row.id === id) ?? {id, scale, signs, heat, units: heat ? 2 : 1, series: names.split(' '), lines,
				name: h('span.strip-label', {title: t(title)}, t(label)), value: h('span.strip-value', lines)}
			for (const node of [row.name, row.value]) node.style.gridRow = `${place} / span ${row.units}`
			place += row.units
			return row
		})
		this.units = place - 1
		this.style.setProperty('--units', String(this.units))
		// The plot keeps its focus.
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
			this.plant(flag, time, end, t(kind))
			flag.title = clock(time)
		})
		this.read(end, to, gap)
	}

	plant(flag, time, end, text) {
		const x = xOf(time, end, this.box.width)
		setText(flag.firstChild, text)
		flag.classList.toggle('flag-left', x > this.box.width * 0.7)
		flag.style.left = `${x}px`
	}

	read(end, newest, gap) {
		const {history, alerts} = this.server
		const {cursor} = view
		const inside = cursor !== null && cursor >= end - WINDOW && cursor <= end
		const index = inside ? history.indexAt(cursor) : newest
		const fresh = index >= 0 && (!inside || cursor - history.timeAt(index) <= gap)
		this.needle.hidden = !inside
		if (inside) this.plant(this.needle, cursor, end, clock(cursor))
		const told = this.rows.map(row => {
			const figures = row.series.map(name => row.heat ? String(history.cpuSlots) : show(fresh ? history.valueAt(name, index) : NaN, row))
			row.lines.forEach((node, at) => setText(node, `${row.signs[at]} ${figures[at]}`.trim()))
			setAttr(row.value, 'data-level', !inside && alerts.active.get(row.id))
			return `${row.name.textContent} ${figures[0]}`
		})
		if (!inside && document.activeElement !== this.plot) return
		const back = inside ? Math.round((end - cursor) / 1000) : 0
		setAttr(this.plot, 'aria-valuenow', String(-back))
		setAttr(this.plot, 'aria-valuetext', inside ? `${clock(cursor)}, ${t('{span} ago', {span: span(back)})}: ${told.join(', ')}` : t('now'))
	}
}

const show = (value, {scale, unit}) => value !== value ? NONE
	: {ratio: percent, celsius, number: digits}[scale]?.(value) ?? scaled(value, unit ?? {factor: 1, name: 'B/s'})

customElements.define('rt-strips', RtStrips)
