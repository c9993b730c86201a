// The strips of one card: label, five minutes of history, figure; all rows on one canvas and one time axis. Owns the
// pointer and the keys that read an instant off.

import { h, setAttr, setText } from '../dom.js'
import { percent, ceiling, clock, digits, NONE, scaled, span, steadyUnit } from '../format.js'
import { WINDOW } from '../history.js'
import { t } from '../i18n.js'
import { colours } from '../palette.js'
import { fit, frame, gaps, HeatImage, line, minutes, xOf } from '../plot.js'
import { text } from '../values.js'
import { view } from '../view.js'

/** @typedef {import('../server.js').Server} Server */
/** @typedef {'ratio'|'rate'|'number'|'celsius'} Scale */
/** @typedef {{id: string, label: string, series: string[], scale: Scale, signs?: string[], tall?: boolean}} Strip */
/** @typedef {{strip: Strip, label: HTMLElement, value: HTMLElement, lines: HTMLElement[], unit?: import('../format.js').Unit}} Row */

/** In the order of the card. @type {Strip[]} */
const STRIPS = [
  { id: 'cpu', label: 'cpu', series: ['cpu', 'cpuWorst'], scale: 'ratio' },
  { id: 'cores', label: 'cores', series: [], scale: 'ratio', tall: true },
  { id: 'memory', label: 'mem', series: ['memory'], scale: 'ratio' },
  { id: 'swap', label: 'swap', series: ['swap'], scale: 'ratio' },
  { id: 'load', label: 'load', series: ['load'], scale: 'number' },
  { id: 'net', label: 'net', series: ['rx', 'tx'], scale: 'rate', signs: ['↓', '↑'] },
  { id: 'disk', label: 'disk', series: ['read', 'write'], scale: 'rate', signs: ['R', 'W'] },
  { id: 'busy', label: 'busy', series: ['busy'], scale: 'ratio' },
  { id: 'psi', label: 'psi', series: ['psi'], scale: 'ratio' },
  { id: 'temp', label: 'temp', series: ['temp'], scale: 'celsius' },
  { id: 'gpu', label: 'gpu', series: ['gpu'], scale: 'ratio' },
]

export class RtStrips extends HTMLElement {
  constructor() {
    super()
    /** @type {Server|null} */
    this.server = null
    /** @type {Map<string, Row>} */
    this.rows = new Map()
    this.heat = new HeatImage()
    this.box = { width: 0, height: 0 }
    this.seriesCount = -1
    this.canvas = h('canvas', { 'aria-hidden': 'true' })
    this.needle = h('div', { class: 'needle', hidden: true })
    this.flags = h('div', { class: 'flags' })
    this.plot = h('div', {
      class: 'plot', tabindex: 0, role: 'slider', 'aria-label': t('history'), 'aria-valuemin': -WINDOW / 1000,
      'aria-valuemax': 0, 'aria-valuenow': 0, 'aria-valuetext': t('now'),
      onpointermove: (/** @type {PointerEvent} */ event) => this.point(event),
      onpointerdown: (/** @type {PointerEvent} */ event) => this.point(event),
      onpointerleave: () => view.setCursor(null),
      onblur: () => view.setCursor(null),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
    }, this.canvas, this.flags, this.needle)
    this.sizes = new ResizeObserver(([entry]) => {
      if (!entry) return
      this.box = { width: entry.contentRect.width, height: entry.contentRect.height }
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

  /** The instant at the right edge. */
  end() {
    const server = this.server
    if (!server) return Date.now()
    const last = server.history.length ? server.history.timeAt(server.history.length - 1) : Date.now()
    const now = Date.now()
    // Live strips move by whole samples; one that has gone silent goes on with the clock and shows its gap.
    return view.end(server.phase === 'live' && server.staleFor(now) === 0 ? last : now)
  }

  /** @param {PointerEvent} event */
  point(event) {
    const box = this.plot.getBoundingClientRect()
    const along = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
    view.setCursor(this.end() - (1 - along) * WINDOW)
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = (this.server?.client.interval ?? 1) * 1000
    const end = this.end()
    const here = view.cursor ?? end
    /** @type {Record<string, number|null>} */
    const moves = { ArrowLeft: here - step, ArrowRight: here + step, PageUp: here + 30_000, PageDown: here - 30_000,
      Home: end - WINDOW, End: end, Escape: null }
    const to = moves[event.key]
    if (to === undefined) return
    event.preventDefault()
    view.setCursor(to === null ? null : Math.min(end, Math.max(end - WINDOW, to)))
  }

  /** New rows come when their first figure does, and stay. */
  grow() {
    const server = this.server
    if (!server) return
    const { history } = server
    if (this.seriesCount === history.series.size + history.cpuSlots) return
    this.seriesCount = history.series.size + history.cpuSlots
    const wanted = STRIPS.filter((strip) => strip.series.some((name) => history.series.has(name)) ||
      (strip.id === 'cores' && history.cpuSlots > 1))
    for (const name of history.series.keys()) {
      if (name.startsWith('x:')) wanted.push({ id: name, label: text(name.slice(2), 24), series: [name], scale: 'number' })
    }
    this.style.setProperty('--units', String(wanted.reduce((sum, strip) => sum + (strip.tall ? 2 : 1), 0)))
    const nodes = wanted.flatMap((strip) => {
      const row = this.rows.get(strip.id) ?? this.row(strip)
      this.rows.set(strip.id, row)
      return [row.label, row.value]
    })
    // The map keeps the order of the card, whatever came first.
    const order = new Map(wanted.map((strip) => [strip.id, /** @type {Row} */ (this.rows.get(strip.id))]))
    this.rows = order
    let at = 1
    for (const { strip, label, value } of order.values()) {
      const rows = `${at} / span ${strip.tall ? 2 : 1}`
      label.style.gridRow = rows
      value.style.gridRow = rows
      at += strip.tall ? 2 : 1
    }
    this.replaceChildren(...nodes, this.plot)
  }

  /**
   * @param {Strip} strip
   * @returns {Row}
   */
  row(strip) {
    const known = !strip.id.startsWith('x:')
    const name = known ? t(`strip.${strip.label}`) : strip.label
    const label = h('span', { class: 'strip-label', title: known ? t(`about.${strip.id}`) : name }, name)
    const lines = (strip.signs ?? ['']).map(() => h('span', {}, NONE))
    const value = h('span', { class: 'strip-value' }, ...lines)
    return { strip, label, value, lines }
  }

  /** Figures and canvas, for the instant that is looked at. */
  draw() {
    const server = this.server
    if (!server || !this.box.width) return
    this.grow()
    const end = this.end()
    const { width, height } = this.box
    const frameNow = frame(server.history, end, width, server.client.interval)
    const context = fit(this.canvas, width, height)
    if (context) this.paint(context, frameNow, height)
    this.flag(frameNow)
    this.read(frameNow)
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import('../plot.js').Frame} frameNow
   * @param {number} height
   */
  paint(context, frameNow, height) {
    const { history } = /** @type {Server} */ (this.server)
    const palette = colours()
    let units = 0
    for (const { strip } of this.rows.values()) units += strip.tall ? 2 : 1
    const unit = height / Math.max(1, units)
    minutes(context, frameNow, height)
    let top = 0
    for (const row of this.rows.values()) {
      const { strip } = row
      const rowHeight = unit * (strip.tall ? 2 : 1)
      if (strip.id === 'cores') {
        this.heat.follow(history)
        this.heat.draw(context, history, frameNow, top + 2, rowHeight - 4)
      } else {
        const peak = Math.max(...strip.series.map((name) => history.peak(name, frameNow.from, frameNow.to)))
        const max = strip.scale === 'ratio' ? 1 : strip.scale === 'celsius' ? Math.max(100, peak) : ceiling(peak)
        if (strip.scale === 'rate') row.unit = steadyUnit(row.unit, peak, 'rate')
        const shape = { top: top + 3, height: rowHeight - 4, max }
        strip.series.forEach((name, at) => {
          if (at > 0) line(context, history, frameNow, { name, ...shape, line: palette.second, fill: false })
          else line(context, history, frameNow, { name, ...shape, line: palette.accent, fill: true })
        })
      }
      top += rowHeight
      context.fillStyle = palette.line
      context.fillRect(0, Math.round(top) - 1, frameNow.width, 1)
    }
    gaps(context, history, frameNow, height)
    this.stems(context, frameNow, height)
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import('../plot.js').Frame} frameNow
   * @param {number} height
   */
  stems(context, frameNow, height) {
    context.fillStyle = colours().ink
    for (const mark of this.server?.marks ?? []) {
      const x = xOf(frameNow, mark.time)
      if (mark.kind !== 'missed' && x >= 0 && x <= frameNow.width) for (let y = 0; y < height; y += 6) context.fillRect(x, y, 1, 3)
    }
  }

  /**
   * The words of the stems, as text.
   * @param {import('../plot.js').Frame} frameNow
   */
  flag(frameNow) {
    const marks = (this.server?.marks ?? []).filter((mark) => mark.kind !== 'missed' && xOf(frameNow, mark.time) >= 0 && mark.time <= frameNow.end).slice(-4)
    while (this.flags.childElementCount > marks.length) this.flags.lastElementChild?.remove()
    marks.forEach((mark, at) => {
      const flag = /** @type {HTMLElement} */ (this.flags.children[at] ?? this.flags.appendChild(h('span')))
      setText(flag, t(`mark.${mark.kind}`))
      setAttr(flag, 'title', `${t(`mark.${mark.kind}`)} ${clock(mark.time)}`)
      const x = xOf(frameNow, mark.time)
      flag.classList.toggle('flag-left', x > frameNow.width * 0.7)
      flag.style.setProperty('left', `${x}px`)
    })
  }

  /** @param {import('../plot.js').Frame} frameNow */
  read(frameNow) {
    const server = /** @type {Server} */ (this.server)
    const { history } = server
    const cursor = view.cursor
    const inside = cursor !== null && cursor >= frameNow.end - WINDOW && cursor <= frameNow.end
    const index = inside ? history.indexAt(cursor) : frameNow.to
    const time = index >= 0 ? history.timeAt(index) : NaN
    // Between two samples that are far apart there is nothing to read.
    const fresh = index >= 0 && (!inside || cursor - time <= frameNow.gap)
    this.needle.hidden = !inside
    if (inside) this.needle.style.setProperty('transform', `translateX(${xOf(frameNow, cursor)}px)`)
    const spoken = []
    for (const row of this.rows.values()) {
      const { strip } = row
      row.lines.forEach((node, at) => {
        const name = strip.series[at]
        const value = name && fresh ? history.valueAt(name, index) : NaN
        const figure = strip.id === 'cores' ? String(history.cpuSlots) : show(value, strip.scale, row.unit)
        const sign = strip.signs?.[at]
        setText(node, sign ? `${sign} ${figure}` : figure)
        if (strip.id !== 'cores' && at === 0) spoken.push(`${row.label.textContent} ${figure}`)
      })
      const level = inside ? undefined : server.alerts.active.get(strip.id)
      setAttr(row.value, 'data-level', level ?? null)
      setAttr(row.value, 'title', level ? t(`level.${level}`) : null)
    }
    if (document.activeElement === this.plot || inside) {
      const back = inside ? Math.round((cursor - frameNow.end) / 1000) : 0
      setAttr(this.plot, 'aria-valuenow', String(back))
      setAttr(this.plot, 'aria-valuetext', inside ? `${clock(cursor)}, ${t('ago', { span: span(-back) })}: ${spoken.join(', ')}` : t('now'))
    }
  }
}

/**
 * @param {number} value
 * @param {Scale} scale
 * @param {import('../format.js').Unit} [unit]
 */
function show(value, scale, unit) {
  if (value !== value) return NONE
  if (scale === 'ratio') return percent(value)
  if (scale === 'rate') return scaled(value, unit ?? { factor: 1, name: 'B/s' })
  return scale === 'celsius' ? `${value.toFixed(0)} °C` : digits(value)
}

customElements.define('rt-strips', RtStrips)
