// Strips on a canvas: one row a figure, one time axis for all. Draws what a history holds and keeps nothing.

import { CAPACITY, WINDOW } from './history.js'
import { colours, heat } from './palette.js'

/** @typedef {import('./history.js').History} History */
/** @typedef {{from: number, to: number, end: number, width: number, gap: number}} Frame */

/**
 * Fits a canvas to its box in device pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width in CSS pixels
 * @param {number} height
 * @returns {CanvasRenderingContext2D|null} in CSS pixels
 */
export function fit(canvas, width, height) {
  const scale = window.devicePixelRatio || 1
  const wide = Math.round(width * scale)
  const high = Math.round(height * scale)
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide
    canvas.height = high
  }
  const context = canvas.getContext('2d')
  if (!context || !wide || !high) return null
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  return context
}

/**
 * Which samples fall into the window that ends at `end`, with one before it so that the line enters from the left.
 * @param {History} history
 * @param {number} end
 * @param {number} width
 * @param {number} interval the session's, in seconds
 * @returns {Frame}
 */
export function frame(history, end, width, interval) {
  const from = Math.max(0, history.indexAt(end - WINDOW))
  return { from, to: history.indexAt(end), end, width, gap: Math.max(interval * 2500, 2000) }
}

/**
 * @param {Frame} view
 * @param {number} time
 */
export function xOf(view, time) {
  return view.width - ((view.end - time) / WINDOW) * view.width
}

/**
 * One figure as a line, with a light area below when `fill` is given.
 * @param {CanvasRenderingContext2D} context
 * @param {History} history
 * @param {Frame} view
 * @param {{name: string, top: number, height: number, max: number, line: string, fill: boolean}} row
 */
export function line(context, history, view, row) {
  const values = history.series.get(row.name)
  if (!values || view.to < 0) return
  const base = row.top + row.height
  const scale = row.height / row.max
  let start = NaN
  let lastX = 0
  let lastTime = 0
  let open = false
  context.beginPath()
  const area = row.fill ? new Path2D() : null
  const finish = () => {
    if (open && area) {
      area.lineTo(lastX, base)
      area.lineTo(start, base)
    }
    open = false
  }
  for (let index = view.from; index <= view.to; index++) {
    const slot = history.slot(index)
    const value = values[slot] ?? NaN
    const time = history.times[slot] ?? 0
    if (value !== value || (open && time - lastTime > view.gap)) finish()
    if (value !== value) continue
    const x = xOf(view, time)
    const y = base - Math.min(value, row.max) * scale
    if (open) {
      context.lineTo(x, y)
      area?.lineTo(x, y)
    } else {
      context.moveTo(x - 0.5, y)
      context.lineTo(x, y)
      area?.moveTo(x, base)
      area?.lineTo(x, y)
      start = x
      open = true
    }
    lastX = x
    lastTime = time
  }
  finish()
  if (area) {
    context.globalAlpha = 0.22
    context.fillStyle = row.line
    context.fill(area)
    context.globalAlpha = 1
  }
  context.strokeStyle = row.line
  context.lineWidth = 1.25
  context.lineJoin = 'round'
  context.stroke()
}

/** @type {CanvasPattern|null} */
let hatching = null
let hatchingInk = ''

/**
 * @param {CanvasRenderingContext2D} context
 */
function hatch(context) {
  const ink = colours().muted
  if (!hatching || hatchingInk !== ink) {
    const tile = document.createElement('canvas')
    tile.width = tile.height = 6
    const pen = tile.getContext('2d')
    if (!pen) return ink
    pen.strokeStyle = ink
    pen.globalAlpha = 0.45
    pen.beginPath()
    for (const shift of [-6, 0, 6]) {
      pen.moveTo(shift, 6)
      pen.lineTo(shift + 6, 0)
    }
    pen.stroke()
    hatching = context.createPattern(tile, 'repeat')
    hatchingInk = ink
  }
  return hatching ?? ink
}

/**
 * Times in which nothing came are hatched over all rows: between two samples, and from the last one on.
 * @param {CanvasRenderingContext2D} context
 * @param {History} history
 * @param {Frame} view
 * @param {number} height
 */
export function gaps(context, history, view, height) {
  if (view.to < 0) return
  let before = history.timeAt(view.from)
  for (let index = view.from + 1; index <= view.to; index++) {
    const time = history.times[history.slot(index)] ?? 0
    if (time - before > view.gap) hatched(context, xOf(view, before), xOf(view, time), height)
    before = time
  }
  if (view.end - before > view.gap) hatched(context, xOf(view, before), view.width, height)
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} from
 * @param {number} to
 * @param {number} height
 */
function hatched(context, from, to, height) {
  context.fillStyle = hatch(context)
  const left = Math.max(0, from)
  context.fillRect(left, 0, to - left, height)
}

/**
 * A minute a tick, behind everything.
 * @param {CanvasRenderingContext2D} context
 * @param {Frame} view
 * @param {number} height
 */
export function minutes(context, view, height) {
  context.fillStyle = colours().line
  for (let minute = 1; minute * 60_000 < WINDOW; minute++) {
    context.fillRect(Math.round(view.width - (minute * 60_000 * view.width) / WINDOW), 0, 1, height)
  }
}

/**
 * The history of all processors as an image, one row each, a pixel column a sample; written as samples come.
 */
export class HeatImage {
  constructor() {
    this.canvas = document.createElement('canvas')
    this.rows = 0
    this.count = 0
    this.column = new ImageData(1, 1)
    this.pixels = new Uint32Array(this.column.data.buffer)
  }

  /** Everything again, after a change of theme or of the number of processors. */
  reset() {
    this.rows = 0
  }

  /** @param {History} history */
  follow(history) {
    const rows = Math.min(history.cpuSlots, 128)
    if (!rows) return
    if (rows !== this.rows) {
      this.rows = rows
      this.canvas.width = CAPACITY
      this.canvas.height = rows
      this.column = new ImageData(1, rows)
      this.pixels = new Uint32Array(this.column.data.buffer)
      this.count = history.count - history.length
    }
    const context = this.canvas.getContext('2d', { willReadFrequently: true })
    if (!context) return
    colours()
    this.count = Math.max(this.count, history.count - history.length)
    for (; this.count < history.count; this.count++) {
      const slot = this.count % CAPACITY
      const start = slot * history.cpuSlots
      this.pixels.fill(0)
      for (let cpu = 0; cpu < history.cpuSlots; cpu++) {
        const usage = history.cpus[start + cpu] ?? 255
        const row = history.cpuSlots > rows ? Math.floor((cpu * rows) / history.cpuSlots) : cpu
        const pixel = heat.pixels[usage]
        // Where several share a row the later one rules; 128 rows are more than a strip can show.
        if (pixel !== undefined) this.pixels[row] = pixel
      }
      context.putImageData(this.column, slot, 0)
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {History} history
   * @param {Frame} view
   * @param {number} top
   * @param {number} height
   */
  draw(context, history, view, top, height) {
    if (!this.rows || view.to < 0) return
    context.imageSmoothingEnabled = false
    let from = view.from
    for (let index = view.from + 1; index <= view.to + 1; index++) {
      const broken = index > view.to || history.slot(index) === 0 || history.timeAt(index) - history.timeAt(index - 1) > view.gap
      if (!broken) continue
      const last = index - 1
      const step = last > from ? (history.timeAt(last) - history.timeAt(from)) / (last - from) : 1000
      const left = xOf(view, history.timeAt(from) - step)
      const right = xOf(view, history.timeAt(last))
      context.drawImage(this.canvas, history.slot(from), 0, last - from + 1, this.rows, left, top, right - left, height)
      from = index
    }
  }
}
