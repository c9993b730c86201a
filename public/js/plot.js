// Strips as pixels, since paths cost ten times as much; a push moves them and draws its own columns.

import {WINDOW} from './history.js'

const NAMES = 'ink muted track accent second heat-0 heat-1 heat-2 heat-3'.split(' ')
let palette = null
let themes = 0
const solid = {}
export const heat = {pixels: new Uint32Array(101), css: ['']}

export function colours() {
	if (palette) return palette
	themes++
	const found = palette = {}
	const probe = document.body.appendChild(document.createElement('i'))
	const channels = NAMES.map(name => {
		probe.style.color = `var(--${name})`
		const [r, g, b] = ((found[name] = getComputedStyle(probe).color).match(/[\d.]+/g) ?? []).map(Number)
		solid[name] = (b << 16) | (g << 8) | r
		return [r, g, b]
	}).slice(-4)
	probe.remove()
	heat.css = Array.from(heat.pixels, (_, percent) => {
		const low = Math.min(Math.floor(percent * 0.03), 2)
		const [r, g, b] = channels[low].map((from, c) => Math.round(from + (channels[low + 1][c] - from) * (percent * 0.03 - low)))
		heat.pixels[percent] = (255 << 24) | (b << 16) | (g << 8) | r
		return `rgb(${r},${g},${b})`
	})
	return found
}

export function forgetColours() {
	palette = null
}

export function fit(canvas, width, height) {
	const scale = devicePixelRatio || 1
	canvas.width = Math.round(width * scale)
	canvas.height = Math.round(height * scale)
	const context = canvas.getContext('2d')
	context?.scale(scale, scale)
	return context
}

export const xOf = (time, end, width) => width - ((end - time) / WINDOW) * width

export class Strips {
	constructor(canvas) {
		this.canvas = canvas
		this.image = new ImageData(1, 1)
		this.pixels = new Uint32Array(1)
		this.look = ''
		this.right = this.newest = 0
	}

	/** @param {Samples} history @param {StripRow[]} rows */
	draw(history, end, gap, width, height, rows) {
		colours()
		const scale = devicePixelRatio || 1
		const [wide, high] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))]
		const look = `${[wide, high, gap, themes]} ${rows.map(({ series, max, top }) => [series, max, top]).join(' ')}`
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
					const tone = heat.pixels[cpus[slot * cpuSlots + Math.floor((y * cpuSlots) / tall)]] ?? 0
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
		// Hatching where nothing came, between two samples and after the last.
		for (let index = Math.max(1, from); index <= to + 1; index++) {
			const [time, next] = [history.timeAt(index - 1), index <= to ? history.timeAt(index) : end]
			if (next - time > gap) for (let x = Math.max(0, place(time) + 1); x <= place(next); x++) column(x, 5 - ((x + right) % 6), high - 1, 0x80000000 | solid.muted, 6)
		}
		const changed = moved ? 0 : Math.max(0, dirty - 1)
		this.canvas.getContext('2d')?.putImageData(this.image, 0, 0, changed, 0, wide - changed, high)
	}
}
