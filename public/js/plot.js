// Strips on a canvas: one row a figure, one time axis for all. Draws what a history holds. Also the sheets' colours, resolved
// for canvases.

import { CAPACITY, WINDOW } from './history.js'

/** @typedef {import('./history.js').History} History */
/** @typedef {{from: number, to: number, end: number, width: number, gap: number}} Frame */

let palette = /** @type {Record<string, string>|null} */ (null)
/** Steps of a heat cell from idle to full, as packed pixels and as CSS. */
export const heat = { pixels: new Uint32Array(101), css: /** @type {string[]} */ ([]) }

/** @returns {Record<string, string>} the custom properties of css/base.css, in the theme of now */
export function colours() {
	if (palette) return palette
	const probe = document.createElement('i')
	document.body.append(probe)
	const resolve = (name) => {
		probe.style.color = `var(--${name})`
		return getComputedStyle(probe).color
	}
	palette = Object.fromEntries('ink muted line track accent second user system irq iowait steal apps buffers cached swap'.split(' ').map((name) => [name, resolve(name)]))
	const stops = [0, 1, 2, 3].map((step) => (resolve(`heat-${step}`).match(/[\d.]+/g) ?? []).map(Number))
	heat.css = Array.from({ length: 101 }, (_, percent) => {
		const place = (percent / 100) * 3
		const low = Math.min(Math.floor(place), 2)
		const [r, g, b] = [0, 1, 2].map((channel) => Math.round(stops[low][channel] + (stops[low + 1][channel] - stops[low][channel]) * (place - low)))
		heat.pixels[percent] = (255 << 24) | (b << 16) | (g << 8) | r
		return `rgb(${r},${g},${b})`
	})
	probe.remove()
	return palette
}

/** After a change of theme the colours are asked for again. */
export function forgetColours() {
	palette = hatching = null
}

/** Fits a canvas to its box in device pixels, and empties it. @param {HTMLCanvasElement} canvas */
export function fit(canvas, width, height) {
	const scale = devicePixelRatio || 1
	const [wide, high] = [Math.round(width * scale), Math.round(height * scale)]
	if (canvas.width !== wide) canvas.width = wide
	if (canvas.height !== high) canvas.height = high
	const context = canvas.getContext('2d')
	if (!context || !wide || !high) return null
	context.setTransform(scale, 0, 0, scale, 0, 0)
	context.clearRect(0, 0, width, height)
	return context
}

/** The samples in the window that ends at `end`, with one before it so that the line enters from the left. @returns {Frame} */
export function frameOf(history, end, width, interval) {
	return { from: Math.max(0, history.indexAt(end - WINDOW)), to: history.indexAt(end), end, width, gap: Math.max(interval * 2500, 2000) }
}

/** @param {Frame} frame @param {number} time */
export const xOf = ({ width, end }, time) => width - ((end - time) / WINDOW) * width

/**
 * One figure as a line, with a light area below it when `fill`.
 * @param {CanvasRenderingContext2D} context @param {History} history @param {Frame} frame
 * @param {{name: string, top: number, height: number, max: number, colour: string, fill: boolean}} row
 */
export function line(context, history, frame, { name, top, height, max, colour, fill }) {
	const values = history.series.get(name)
	if (!values || frame.to < 0) return
	const base = top + height
	const area = new Path2D()
	let [start, x, before, open] = [0, 0, 0, false]
	const finish = () => {
		if (open) {
			area.lineTo(x, base)
			area.lineTo(start, base)
		}
		open = false
	}
	context.beginPath()
	for (let index = frame.from; index <= frame.to; index++) {
		const slot = history.slot(index)
		const value = values[slot] ?? NaN
		const time = history.times[slot] ?? 0
		if (value !== value || (open && time - before > frame.gap)) finish()
		if (value !== value) continue
		x = xOf(frame, time)
		const y = base - (Math.min(value, max) / max) * height
		if (!open) {
			context.moveTo(x - 0.5, y)
			area.moveTo(start = x, base)
			open = true
		}
		context.lineTo(x, y)
		if (fill) area.lineTo(x, y)
		before = time
	}
	finish()
	if (fill) {
		context.globalAlpha = 0.22
		context.fillStyle = colour
		context.fill(area)
		context.globalAlpha = 1
	}
	context.strokeStyle = colour
	context.lineWidth = 1.25
	context.stroke()
}

let hatching = /** @type {CanvasPattern|null} */ (null)

function hatch(context) {
	if (hatching) return hatching
	const tile = document.createElement('canvas')
	tile.width = tile.height = 6
	const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'))
	pen.strokeStyle = colours().muted
	pen.globalAlpha = 0.5
	for (const shift of [-6, 0, 6]) {
		pen.moveTo(shift, 6)
		pen.lineTo(shift + 6, 0)
	}
	pen.stroke()
	return hatching = context.createPattern(tile, 'repeat')
}

/** A minute a tick behind everything, and hatching where nothing came: between two samples, and from the last one on. */
export function backdrop(context, history, frame, height) {
	context.fillStyle = colours().line
	for (let minute = 1; minute < 5; minute++) context.fillRect(Math.round(frame.width * (1 - minute / 5)), 0, 1, height)
	if (frame.to < 0) return
	context.fillStyle = hatch(context)
	let before = history.timeAt(frame.from)
	for (let index = frame.from + 1; index <= frame.to + 1; index++) {
		const time = index > frame.to ? frame.end : history.timeAt(index)
		const left = Math.max(0, xOf(frame, before))
		if (time - before > frame.gap) context.fillRect(left, 0, xOf(frame, time) - left, height)
		before = time
	}
}

/** The history of all processors as an image, a row each, a pixel column a sample; written as samples come. */
export class HeatImage {
	constructor() {
		this.canvas = document.createElement('canvas')
		this.rows = 0
		this.count = 0
	}

	/** Everything again, after a change of theme. */
	reset() {
		this.rows = 0
	}

	/** @param {History} history */
	follow(history) {
		const rows = Math.min(history.cpuSlots, 128)
		if (rows !== this.rows) {
			this.rows = rows
			this.canvas.width = CAPACITY
			this.canvas.height = rows
			this.column = new ImageData(1, rows)
			this.pixels = new Uint32Array(this.column.data.buffer)
			this.count = 0
			colours()
		}
		const context = this.canvas.getContext('2d', { willReadFrequently: true })
		if (!context || !this.column || !this.pixels) return
		this.count = Math.max(this.count, history.count - history.length)
		for (; this.count < history.count; this.count++) {
			const slot = this.count % CAPACITY
			this.pixels.fill(0)
			for (let cpu = 0; cpu < history.cpuSlots; cpu++) {
				const pixel = heat.pixels[history.cpus[slot * history.cpuSlots + cpu] ?? 255]
				// Beyond 128 several share a row: more than a strip can show.
				if (pixel !== undefined) this.pixels[Math.floor((cpu * rows) / history.cpuSlots)] = pixel
			}
			context.putImageData(this.column, slot, 0)
		}
	}

	/** @param {CanvasRenderingContext2D} context @param {History} history @param {Frame} frame */
	draw(context, history, frame, top, height) {
		if (!this.rows || frame.to < 0) return
		context.imageSmoothingEnabled = false
		let from = frame.from
		for (let index = from + 1; index <= frame.to + 1; index++) {
			if (index <= frame.to && history.slot(index) && history.timeAt(index) - history.timeAt(index - 1) <= frame.gap) continue
			const last = index - 1
			const step = last > from ? (history.timeAt(last) - history.timeAt(from)) / (last - from) : 1000
			const left = xOf(frame, history.timeAt(from) - step)
			context.drawImage(this.canvas, history.slot(from), 0, last - from + 1, this.rows, left, top, xOf(frame, history.timeAt(last)) - left, height)
			from = index
		}
	}
}
