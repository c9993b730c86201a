// Strips as pixels: one row a figure, one time axis for all. Columns of whole pixels are written straight into an image,
// since paths cost the main thread ten times as much. Also the sheets' colours, resolved for canvases.

import { WINDOW } from './history.js'

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
	palette = null
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

/** A colour of the palette as a pixel. @param {string} name @param {number} alpha 0 to 255 */
function pixel(name, alpha = 255) {
	const [r, g, b] = (colours()[name].match(/[\d.]+/g) ?? []).map(Number)
	return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0
}

export class Strips {
	/** @param {HTMLCanvasElement} canvas */
	constructor(canvas) {
		this.canvas = canvas
		this.image = new ImageData(1, 1)
		this.pixels = new Uint32Array(1)
		this.history = /** @type {History} */ (/** @type {unknown} */ (null))
		this.frame = /** @type {Frame} */ ({})
		this.wide = this.high = 0
		this.scale = 1
	}

	/** Opens a picture: empty but for a tick a minute. @param {History} history @param {Frame} frame of CSS pixels */
	begin(history, frame, height) {
		this.scale = devicePixelRatio || 1
		const [wide, high] = [Math.max(1, Math.round(frame.width * this.scale)), Math.max(1, Math.round(height * this.scale))]
		if (this.image.width !== wide || this.image.height !== high) {
			this.image = new ImageData(wide, high)
			this.pixels = new Uint32Array(this.image.data.buffer)
			Object.assign(this.canvas, { width: wide, height: high })
		}
		Object.assign(this, { history, wide, high })
		this.frame = { ...frame, width: wide }
		this.pixels.fill(0)
		for (let minute = 1; minute < 5; minute++) this.column(Math.round(wide * (1 - minute / 5)), 0, high - 1, pixel('line'))
	}

	/** @param {number} x @param {number} top @param {number} bottom both included */
	column(x, top, bottom, colour, step = 1) {
		const { wide, pixels } = this
		if (x >= 0 && x < wide) for (let y = top; y <= bottom; y += step) pixels[y * wide + x] = colour
	}

	/** Calls with pairs of samples that touch, as columns; a sample after a gap stands alone. */
	walk(values, act) {
		const { history, frame } = this
		let [before, x0, slot0] = [-Infinity, 0, -1]
		for (let index = frame.from; index <= frame.to; index++) {
			const slot = history.slot(index)
			const time = history.times[slot]
			const x = Math.floor(xOf(frame, time)) - 1
			if (values && values[slot] !== values[slot]) slot0 = -1
			else {
				act(slot0 >= 0 && time - before <= frame.gap ? x0 : x - 1, x, slot0 < 0 ? slot : slot0, slot)
				slot0 = slot
			}
			before = time
			x0 = x
		}
	}

	/**
	 * One figure as a line, with a light area below it when `fill`; places in CSS pixels.
	 * @param {{name: string, top: number, height: number, max: number, colour: string, fill: boolean}} row
	 */
	line({ name, top, height, max, colour, fill }) {
		const values = this.history.series.get(name)
		if (!values) return
		const [base, tall] = [Math.round((top + height) * this.scale) - 1, height * this.scale - 1]
		const [ink, light, thick] = [pixel(colour), pixel(colour, 56), Math.round(this.scale)]
		this.walk(values, (x0, x1, slot0, slot1) => {
			const [y0, y1] = [values[slot0], values[slot1]].map((value) => base - Math.round((Math.min(value, max) / max) * tall))
			let last = y0
			for (let x = Math.max(0, Math.min(x0 + 1, x1)); x <= x1; x++) {
				const y = x1 > x0 ? Math.round(y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)) : y1
				if (fill) this.column(x, Math.max(y, last) + thick, base, light)
				this.column(x, Math.min(y, last), Math.max(y, last) + thick - 1, ink)
				last = y
			}
		})
	}

	/** All processors, a band each. @param {number} top in CSS pixels */
	heat(top, height) {
		const { history: { cpus, cpuSlots } } = this
		const [from, tall] = [Math.round(top * this.scale), Math.round(height * this.scale)]
		colours()
		this.walk(null, (x0, x1, _, slot) => {
			for (let x = Math.max(0, Math.min(x0 + 1, x1)); x <= x1; x++) {
				for (let y = 0; y < tall; y++) this.column(x, from + y, from + y, heat.pixels[cpus[slot * cpuSlots + Math.floor((y * cpuSlots) / tall)]] ?? 0)
			}
		})
	}

	/** The foot of a row. @param {number} y in CSS pixels */
	foot(y) {
		const at = Math.min(this.high, Math.round(y * this.scale)) - 1
		this.pixels.fill(pixel('line'), at * this.wide, (at + 1) * this.wide)
	}

	/** Hatching where nothing came, between two samples and from the last one on; then the picture is shown. @param {number[]} stems instants to mark */
	end(stems) {
		const { frame, history, high } = this
		const hatch = pixel('muted', 128)
		for (let index = frame.from; index <= frame.to; index++) {
			const time = history.timeAt(index)
			const next = index < frame.to ? history.timeAt(index + 1) : frame.end
			if (next - time > frame.gap) for (let x = Math.max(0, Math.floor(xOf(frame, time))); x < xOf(frame, next); x++) this.column(x, 5 - (x % 6), high - 1, hatch, 6)
		}
		for (const time of stems) for (let y = 0; y < high - 3; y += 6) this.column(Math.floor(xOf(frame, time)), y, y + 2, pixel('ink'))
		this.canvas.getContext('2d')?.putImageData(this.image, 0, 0)
	}
}
