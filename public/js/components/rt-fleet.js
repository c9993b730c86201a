// The fleet at a glance: one cell a server, its figure as height and tone, its state as a mark; click to jump.

import { h, icon, setAttr, setText } from '../dom.js'
import { fleet } from '../fleet.js'
import { NONE, percent } from '../format.js'
import { cancel, everySecond, request } from '../frame.js'
import { t } from '../i18n.js'
import { describe } from '../state.js'
import { view } from '../view.js'
import { matches } from './rt-server.js'

/** @typedef {import('../server.js').Server} Server */

/** What the cells can show and be sorted by; `none` is the worst of all, in the order of the configuration. */
const SORTS = ['none', 'worst', 'cpu', 'memory', 'pressure', 'disk']
/** @type {Record<string, string[]>} */
const SERIES = { none: ['cpu', 'memory', 'psi'], worst: ['cpu', 'memory', 'psi'], cpu: ['cpuWorst', 'cpu'], memory: ['memory'], pressure: ['psi'], disk: ['busy', 'full'] }

class RtFleet extends HTMLElement {
  constructor() {
    super()
    /** @type {Map<string, HTMLButtonElement>} */
    this.cells = new Map()
    this.list = h('div', { class: 'fleet-cells', role: 'group', 'aria-label': t('fleet') })
    this.select = h('select', { 'aria-label': t('fleet.sort'), onchange: () => view.setTaste({ sort: this.select.value }) },
      ...SORTS.map((key) => h('option', { value: key }, t(`sort.${key}`))))
    this.paint = () => this.draw()
    this.ask = () => request(this.paint)
    /** @type {(() => void)[]} */
    this.undo = []
    this.sortedAt = 0
  }

  connectedCallback() {
    this.append(this.list, this.select)
    this.select.value = SORTS.includes(view.taste.sort) ? view.taste.sort : 'none'
    const rebuild = () => this.rebuild()
    fleet.addEventListener('servers', rebuild)
    view.addEventListener('change', this.ask)
    this.undo = [() => fleet.removeEventListener('servers', rebuild), () => view.removeEventListener('change', this.ask), everySecond(this.ask)]
    this.rebuild()
  }

  disconnectedCallback() {
    for (const undo of this.undo.splice(0)) undo()
    cancel(this.paint)
  }

  rebuild() {
    this.cells.clear()
    for (const server of fleet.list) {
      this.cells.set(server.config.id, h('button', { type: 'button', class: 'cell', onclick: () => jump(server.config.id) },
        h('span', { class: 'cell-bar' }), h('span', { class: 'cell-mark' }), h('span', { class: 'cell-name' })))
    }
    this.list.replaceChildren(...this.cells.values())
    // One server needs no glance: its card is all there is.
    this.hidden = this.cells.size < 2
    this.ask()
  }

  draw() {
    const now = Date.now()
    /** @type {{server: Server, value: number, cell: HTMLButtonElement}[]} */
    const rows = []
    for (const server of fleet.list) {
      const cell = this.cells.get(server.config.id)
      if (!cell) continue
      const value = figure(server)
      rows.push({ server, value, cell })
      const state = describe(server, now)
      const { level } = server.alerts
      const mark = level !== 'ok' ? level : state.id === 'live' || state.id === 'frozen' ? '' : state.icon
      const told = `${server.config.name}: ${state.word}, ${percent(value)}${level === 'ok' ? '' : `, ${t(`level.${level}`)}`}`
      setAttr(cell, 'aria-label', told)
      setAttr(cell, 'title', told)
      setAttr(cell, 'data-level', level)
      setAttr(cell, 'data-state', state.id)
      const [bar, sign, name] = /** @type {HTMLElement[]} */ ([...cell.children])
      bar?.style.setProperty('--share', (value || 0).toFixed(2))
      bar?.style.setProperty('--tone', `var(--heat-${value >= 0.85 ? 3 : value >= 0.6 ? 2 : 1})`)
      if (sign && sign.dataset.mark !== mark) {
        sign.dataset.mark = mark
        sign.replaceChildren(...(mark ? [icon(mark)] : []))
      }
      if (name) setText(name, server.config.name)
      cell.hidden = view.filter !== '' && !matches(server, view.filter)
    }
    this.sort(rows, now)
  }

  /**
   * Not while a hand is on it, and not more often than one can follow.
   * @param {{server: Server, value: number, cell: HTMLButtonElement}[]} rows
   * @param {number} now
   */
  sort(rows, now) {
    if (this.select.value === 'none') {
      if (this.list.firstChild !== rows[0]?.cell) this.list.replaceChildren(...rows.map(({ cell }) => cell))
      return
    }
    if (now - this.sortedAt < 3000 || this.list.matches(':hover, :focus-within')) return
    this.sortedAt = now
    rows.sort((a, b) => (b.value || 0) - (a.value || 0))
    if (rows.some(({ cell }, index) => this.list.children[index] !== cell)) this.list.replaceChildren(...rows.map(({ cell }) => cell))
  }
}

/** @param {Server} server */
function figure(server) {
  if (server.phase !== 'live') return NaN
  const { history } = server
  const index = view.frozen === null ? history.length - 1 : history.indexAt(view.frozen)
  let worst = NaN
  for (const name of SERIES[view.taste.sort] ?? []) {
    const value = index >= 0 ? history.valueAt(name, index) : NaN
    if (!(worst >= value) && value === value) worst = value
    if (view.taste.sort === 'cpu' && worst === worst) break
  }
  return worst
}

/** @param {string} id */
function jump(id) {
  const card = [...document.querySelectorAll('rt-server')].find((one) => one.server.config.id === id)
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  card?.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' })
  card?.querySelector('h3')?.focus({ preventScroll: true })
}

export { NONE }
customElements.define('rt-fleet', RtFleet)
