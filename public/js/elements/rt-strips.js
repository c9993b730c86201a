// The strips of one card, and reading an instant off them. All cards share the time axis, so that
// they can be compared.

import { h } from '../dom/h.js'
import { fill, LiveElement, setAttribute, setText } from '../dom/update.js'
import { UNKNOWN_PREFIX } from '../model/figures.js'
import { WINDOW } from '../model/history.js'
import { plainText, ratio } from '../model/values.js'
import { view } from '../model/view.js'
import {
  ceiling, celsius, clock, digits, percent, scaled, span, steadyUnit,
} from '../text/format.js'
import { t } from '../text/i18n.js'
import { StripPainter } from './strip_painter.js'

/** @type {StripKind[]} */
const KINDS = [
  {
    id: 'cpu',
    label: 'CPU',
    series: ['cpu', 'cpuWorst'],
    scale: 'ratio',
    title: 'about.cpu',
    onWall: true,
  },
  { id: 'cores', label: 'Cores', series: [], scale: 'heat', onWall: true },
  {
    id: 'memory',
    label: 'Mem',
    series: ['memory'],
    scale: 'ratio',
    title: 'Memory',
    onWall: true,
  },
  { id: 'swap', label: 'Swap', series: ['swap'], scale: 'ratio', onWall: true },
  { id: 'load', label: 'Load', series: ['load'], scale: 'number' },
  { id: 'running', label: 'Run', series: ['running'], scale: 'number', title: 'running' },
  {
    id: 'net',
    label: 'Net',
    series: ['rx', 'tx'],
    scale: 'rate',
    title: 'Network',
    signs: ['↓', '↑'],
    onWall: true,
  },
  {
    id: 'disk',
    label: 'Disk',
    series: ['read', 'write'],
    scale: 'rate',
    title: 'Disks',
    signs: ['R', 'W'],
    onWall: true,
  },
  { id: 'busy', label: 'Busy', series: ['busy'], scale: 'ratio', title: 'Disks' },
  { id: 'psi', label: 'PSI', series: ['psi'], scale: 'ratio', title: 'about.psi', onWall: true },
  { id: 'temp', label: 'Temp', series: ['temp'], scale: 'celsius', title: 'Sensors' },
  { id: 'gpu', label: 'GPU', series: ['gpu'], scale: 'ratio', title: 'Graphics' },
]

function stripKinds({ series, cpuSlots }, compact) {
  return [...KINDS, ...unknownKinds(series)].filter((kind) => {
    if (compact && !kind.onWall) return false
    return kind.scale === 'heat' ? cpuSlots > 1 : kind.series.some((name) => series.has(name))
  })
}

/** @returns {StripKind[]} */
const unknownKinds = (series) => [...series.keys()]
  .filter((name) => name.startsWith(UNKNOWN_PREFIX))
  .map((name) => ({
    id: name,
    label: plainText(name.slice(UNKNOWN_PREFIX.length), 24),
    series: [name],
    scale: 'number',
  }))

const PAGE = 30_000
const ABOVE = 3
const AROUND = 4
const FLAG_TURNS = 0.7
// A scale that followed a mild temperature would show it as a hot one.
const MIN_CELSIUS_TOP = 100
const HEAT_SPAN = 2

/** Announces `resized`: who owns it knows whether it is in view. */
export class RtStrips extends LiveElement {
  #server
  /** @type {LabelledRow[]} */
  #rows = []
  #known = ''
  #lines = 0
  #box = { width: 0, height: 0 }
  #canvas = h('canvas')
  #painter = new StripPainter(this.#canvas)
  #needle = h('span.flag.needle', { hidden: true }, h('span'))
  #flags = h('div')
  #plot = this.#makePlot()
  #sizes = new ResizeObserver(([entry]) => {
    this.#box = entry.contentRect
    this.dispatchEvent(new Event('resized'))
  })

  /** @param {Server} server */
  constructor(server) {
    super()
    this.#server = server
  }

  enter() {
    if (!this.#plot.parentNode) this.append(this.#plot)
    this.#sizes.observe(this.#plot)
    this.onLeave(() => this.#sizes.disconnect())
  }

  draw() {
    const { width, height } = this.#box
    if (!width) return
    this.#updateRows()
    const { history, gap } = this.#server
    const end = this.#end()
    const newest = history.indexAt(end)
    this.#scaleRows(history.indexAt(end - WINDOW), newest)
    if (this.#rows.length) {
      this.#painter.draw(history, { end, gap, width, height, rows: this.#rows })
    }
    this.#plantFlags(end)
    this.#read(end, newest)
  }

  #makePlot() {
    const point = ({ clientX }) => {
      const { left, width } = this.#plot.getBoundingClientRect()
      view.pointAt(this.#end() - (1 - ratio((clientX - left) / width)) * WINDOW)
    }
    return h('div.plot', {
      tabindex: 0,
      role: 'slider',
      'aria-label': t('history'),
      'aria-valuemin': -WINDOW / 1000,
      'aria-valuemax': 0,
      'aria-valuenow': 0,
      'aria-valuetext': t('now'),
      onpointermove: point,
      onpointerdown: point,
      // A lifted finger leaves the instant where it was: it hides what it points at.
      onpointerleave: ({ pointerType }) => {
        if (pointerType !== 'touch') view.pointAt(null)
      },
      onblur: () => view.pointAt(null),
      onkeydown: (event) => this.#key(event),
    }, this.#canvas, this.#flags, this.#needle)
  }

  // The instant at the right edge. Live strips move by whole samples, a silent one with the clock,
  // so that its gap shows.
  #end() {
    const server = this.#server
    if (view.frozen !== null) return view.frozen
    if (server.phase !== 'live' || server.staleFor()) return Date.now()
    return server.history.timeAt(server.history.length - 1)
  }

  #key(event) {
    const step = this.#server.connection.interval * 1000
    const end = this.#end()
    const here = view.cursor ?? end
    const target = {
      ArrowLeft: here - step,
      ArrowRight: here + step,
      PageUp: here + PAGE,
      PageDown: here - PAGE,
      Home: end - WINDOW,
      End: end,
      Escape: null,
    }[event.key]
    if (target === undefined) return
    event.preventDefault()
    view.pointAt(target && Math.min(end, Math.max(end - WINDOW, target)))
  }

  #updateRows() {
    const { history } = this.#server
    const { compact } = view.preferences
    const known = `${history.series.size} ${history.cpuSlots} ${compact}`
    if (this.#known === known) return
    this.#known = known
    let line = 1
    this.#rows = stripKinds(history, compact).map((kind) => {
      const row = this.#rows.find(({ id }) => id === kind.id) ?? makeRow(kind)
      for (const node of [row.name, row.value]) node.style.gridRow = `${line} / span ${row.lines}`
      line += row.lines
      return row
    })
    this.#lines = line - 1
    this.style.setProperty('--units', String(this.#lines))
    // The plot is left where it is: it would lose the focus.
    for (const node of [...this.children]) if (node !== this.#plot) node.remove()
    this.#plot.before(...this.#rows.flatMap(({ name, value }) => [name, value]))
  }

  #scaleRows(from, to) {
    const { history } = this.#server
    let top = 0
    for (const row of this.#rows) {
      const height = (this.#box.height / this.#lines) * row.lines
      const peak = Math.max(0, ...row.series.map((name) => history.peak(name, from, to)))
      row.max = topOfScale(row.scale, peak)
      if (row.scale === 'rate') row.unit = steadyUnit(row.unit, peak, 'rate')
      row.top = top + ABOVE
      row.height = height - AROUND
      top += height
    }
  }

  #plantFlags(end) {
    const seen = this.#server.continuity.marks
      .filter(({ time }) => time > end - WINDOW && time <= end)
    fill(this.#flags, seen.length, () => h('span.flag', h('span'))).forEach((flag, place) => {
      const { time, kind } = seen[place]
      this.#plant(flag, time, end, t(kind))
      flag.title = clock(time)
    })
  }

  #plant(flag, time, end, text) {
    const { width } = this.#box
    const x = width - ((end - time) / WINDOW) * width
    setText(flag.firstChild, text)
    flag.classList.toggle('flag-left', x > width * FLAG_TURNS)
    flag.style.left = `${x}px`
  }

  // Of the instant that is pointed at, or else the newest one.
  #read(end, newest) {
    const { history, gap, alerts } = this.#server
    const { cursor } = view
    const isPointed = cursor !== null && cursor >= end - WINDOW && cursor <= end
    const index = isPointed ? history.indexAt(cursor) : newest
    const isFresh = index >= 0 && (!isPointed || cursor - history.timeAt(index) <= gap)
    this.#needle.hidden = !isPointed
    if (isPointed) this.#plant(this.#needle, cursor, end, clock(cursor))
    const words = this.#rows.map((row) => {
      const figures = figuresOf(row, history, isFresh ? index : -1)
      row.figures.forEach((node, place) => {
        setText(node, `${row.signs[place]} ${figures[place]}`.trim())
      })
      // An alarm is about now.
      setAttribute(row.value, 'data-level', !isPointed && alerts.active.get(row.id))
      return `${row.name.textContent} ${figures[0]}`
    })
    // Nobody has the words read out: to make them costs.
    if (!isPointed && document.activeElement !== this.#plot) return
    const seconds = isPointed ? Math.round((end - cursor) / 1000) : 0
    setAttribute(this.#plot, 'aria-valuenow', String(-seconds))
    setAttribute(this.#plot, 'aria-valuetext', isPointed
      ? `${clock(cursor)}, ${t('{span} ago', { span: span(seconds) })}: ${words.join(', ')}`
      : t('now'))
  }
}

function makeRow({ id, label, series, scale, title = label, signs = [''] }) {
  const figures = signs.map(() => h('span'))
  return {
    id,
    series,
    scale,
    signs,
    figures,
    lines: scale === 'heat' ? HEAT_SPAN : 1,
    name: h('span.strip-label', { title: t(title) }, t(label)),
    value: h('span.strip-value', figures),
    max: 1,
    top: 0,
    height: 0,
  }
}

function topOfScale(scale, peak) {
  if (scale === 'ratio') return 1
  return scale === 'celsius' ? Math.max(MIN_CELSIUS_TOP, peak) : ceiling(peak)
}

const figuresOf = (row, history, index) => (row.scale === 'heat'
  ? [String(history.cpuSlots)]
  : row.series.map((name) => inScale(history.valueAt(name, index), row)))

const FORMATS = { ratio: percent, celsius, number: digits }

const inScale = (value, { scale, unit }) => (
  unit ? scaled(value, unit) : FORMATS[scale](value)
)

customElements.define('rt-strips', RtStrips)
