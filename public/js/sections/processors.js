// Every processor: a stacked bar each up to sixteen, a grid of cells from seventeen on.

import { h, setText } from '../dom.js'
import { count, NONE, percent } from '../format.js'
import { cpusOf } from '../figures.js'
import { MAX_CPUS } from '../history.js'
import { t } from '../i18n.js'
import { colours, heat } from '../palette.js'
import { fit } from '../plot.js'
import { Facts } from '../table.js'
import { at, num, text } from '../values.js'
import { view } from '../view.js'

/** @typedef {import('../figures.js').Cpu} Cpu */
/** @typedef {import('../server.js').Server} Server */

/** The most that are drawn as bars. */
const BARS = 16
/** The order of a bar, always the same. */
const PARTS = /** @type {const} */ (['user', 'system', 'irq', 'iowait', 'steal'])

/** @param {Server} server */
export function processors(server) {
  const canvas = h('canvas', { 'aria-hidden': 'true' })
  const labels = h('div', { class: 'bar-labels' })
  const values = h('div', { class: 'bar-values' })
  const readout = h('p', { class: 'readout', 'aria-live': 'polite' })
  const plot = h('div', { class: 'bar-plot' }, canvas)
  const bars = h('div', { class: 'bars' }, labels, plot, values)
  const more = h('p', { class: 'more', hidden: true })
  const legend = h('ul', { class: 'legend' }, ...PARTS.map((part) => h('li', { class: `key-${part}` }, t(`cpu.${part}`))))
  const facts = new Facts()
  const node = h('div', {}, bars, readout, more, legend, facts.node)
  let pointed = -1
  /** @type {Cpu[]} */
  let shown = []
  let columns = 1

  const draw = () => {
    const box = plot.getBoundingClientRect()
    const grid = shown.length > BARS
    if (grid) {
      columns = gridColumns(shown.length, box.width)
      const rows = Math.ceil(shown.length / columns)
      const height = `${rows * Math.min(1.75, box.width / columns / 14)}rem`
      if (plot.style.height !== height) plot.style.height = height
    } else if (plot.style.height) plot.style.height = ''
    const { width, height } = grid ? plot.getBoundingClientRect() : box
    const context = fit(canvas, width, height)
    if (!context) return
    if (grid) cells(context, shown, columns, width, height, pointed)
    else stacks(context, shown, width, height)
  }

  const tell = () => {
    const one = shown[pointed]
    if (shown.length <= BARS) setText(readout, '')
    else if (one) setText(readout, `${text(one.name, 20)} ${percent(one.usage)} · ${PARTS.filter((part) => one[part] > 0).map((part) => `${t(`cpu.${part}`)} ${percent(one[part])}`).join(' · ')}`)
    else {
      const worst = shown.reduce((best, cpu) => (cpu.usage > (best?.usage ?? -1) ? cpu : best), shown[0])
      setText(readout, worst ? t('cpu.busiest', { name: text(worst.name, 20), usage: percent(worst.usage) }) : '')
    }
  }

  /** @param {number} index */
  const point = (index) => {
    pointed = index < shown.length ? index : -1
    draw()
    tell()
  }
  plot.addEventListener('pointermove', (event) => {
    if (shown.length <= BARS) return
    const box = plot.getBoundingClientRect()
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns)
    const row = Math.floor(((event.clientY - box.top) / box.height) * Math.ceil(shown.length / columns))
    point(row * columns + Math.min(columns - 1, column))
  })
  plot.addEventListener('pointerleave', () => point(-1))
  plot.addEventListener('blur', () => point(-1))
  plot.addEventListener('keydown', (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }
    const step = steps[/** @type {keyof typeof steps} */ (event.key)]
    if (step === undefined || shown.length <= BARS) return
    event.preventDefault()
    point(Math.min(shown.length - 1, Math.max(0, pointed + step)))
  })

  return {
    node,
    update() {
      const { cpus, total } = moment(server)
      const grid = cpus.length > BARS
      if (cpus.length !== shown.length) {
        bars.classList.toggle('bars-grid', grid)
        bars.style.setProperty('--rows', String(grid ? 1 : cpus.length))
        labels.replaceChildren(...(grid ? [] : cpus.map((one) => h('span', {}, text(one.name, 12)))))
        values.replaceChildren(...(grid ? [] : cpus.map(() => h('span'))))
        if (grid) {
          plot.tabIndex = 0
          plot.setAttribute('role', 'group')
          plot.setAttribute('aria-label', t('cpu.grid', { n: String(total) }))
        } else for (const name of ['tabindex', 'role', 'aria-label']) plot.removeAttribute(name)
      }
      shown = cpus
      if (!grid) {
        const limit = server.config.thresholds.cpu / 100
        cpus.forEach((one, index) => {
          const value = /** @type {HTMLElement|undefined} */ (values.children[index])
          if (!value) return
          setText(value, percent(one.usage))
          if (one.usage >= limit) value.dataset.level = 'warning'
          else delete value.dataset.level
        })
      }
      more.hidden = total <= cpus.length
      setText(more, t('more', { n: String(total - cpus.length) }))
      draw()
      tell()
      const cpu = server.push.cpu
      if (cpu && view.frozen === null) {
        for (const [key, label] of [['ctxt', 'cpu.ctxt'], ['intr', 'cpu.intr'], ['forks', 'cpu.forks'], ['blocked', 'cpu.blocked']]) {
          const value = num(at(cpu, key ?? ''))
          facts.set(t(label ?? ''), value === value ? count(value) : NONE)
        }
      }
    },
    draw,
  }
}

/**
 * The processors of the instant that is looked at: of the last push, or out of the history (which keeps the usage alone).
 * @param {Server} server
 * @returns {{cpus: Cpu[], total: number}}
 */
function moment(server) {
  const { cpus, total } = cpusOf(server.push, MAX_CPUS)
  const instant = view.cursor ?? view.frozen
  if (instant === null) return { cpus, total }
  const index = server.history.indexAt(instant)
  return {
    total,
    cpus: cpus.map(({ name }, slot) => ({ name, usage: server.history.cpuAt(slot, index), user: server.history.cpuAt(slot, index) || 0,
      system: 0, irq: 0, iowait: 0, steal: 0 })),
  }
}

/**
 * @param {number} total
 * @param {number} width
 */
function gridColumns(total, width) {
  const most = Math.max(8, Math.floor(width / 18))
  const rows = Math.ceil(total / most)
  const even = Math.ceil(total / rows)
  // Whole groups of eight read better where they fit.
  return even <= most && Math.ceil(even / 8) * 8 <= most ? Math.ceil(even / 8) * 8 : even
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cpu[]} cpus
 * @param {number} width
 * @param {number} height
 */
function stacks(context, cpus, width, height) {
  const palette = colours()
  const pitch = height / Math.max(1, cpus.length)
  const thick = Math.min(12, pitch - 4)
  cpus.forEach((one, row) => {
    const y = Math.round(row * pitch + (pitch - thick) / 2)
    context.fillStyle = palette.track
    context.fillRect(0, y, width, thick)
    let x = 0
    for (const part of PARTS) {
      const long = Math.min(one[part] * width, width - x)
      if (long <= 0) continue
      context.fillStyle = palette[part]
      context.fillRect(x, y, Math.max(1, long - 1), thick)
      x += long
    }
  })
}

/**
 * Tone and height of the fill both tell the usage.
 * @param {CanvasRenderingContext2D} context
 * @param {Cpu[]} cpus
 * @param {number} columns
 * @param {number} width
 * @param {number} height
 * @param {number} pointed
 */
function cells(context, cpus, columns, width, height, pointed) {
  const palette = colours()
  const wide = width / columns
  const high = height / Math.ceil(cpus.length / columns)
  cpus.forEach((one, index) => {
    const x = (index % columns) * wide
    const y = Math.floor(index / columns) * high
    context.fillStyle = palette.track
    context.fillRect(x + 1, y + 1, wide - 2, high - 2)
    if (one.usage === one.usage) {
      const fill = Math.max(1, one.usage * (high - 2))
      context.fillStyle = heat.css[Math.round(one.usage * 100)] ?? palette.accent
      context.fillRect(x + 1, y + high - 1 - fill, wide - 2, fill)
    }
    if (index === pointed) {
      context.strokeStyle = palette.ink
      context.lineWidth = 2
      context.strokeRect(x + 1, y + 1, wide - 2, high - 2)
    }
  })
}
