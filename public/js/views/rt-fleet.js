// All servers at a glance: a cell each, as high as its worst figure. A click leads to the card.

import { h, icon } from '../dom/h.js'
import { LiveElement, redraw, requestDraw, setAttribute, setText, setTone } from '../dom/update.js'
import { alarm, describe, matchesFilter } from '../model/status.js'
import { store } from '../model/store.js'
import { largest } from '../model/values.js'
import { view } from '../model/view.js'
import { percent } from '../text/format.js'
import { t } from '../text/i18n.js'

const SORTS = {
  none: { label: 'As laid out', figures: ['cpu', 'memory', 'psi'] },
  cpu: { label: 'Worst processor', figures: ['cpuWorst'] },
  memory: { label: 'Memory', figures: ['memory'] },
  pressure: { label: 'Pressure', figures: ['psi'] },
  disk: { label: 'Disk', figures: ['busy', 'full'] },
}

// Milliseconds for which an order stands.
const CALM = 3000

/** Wishes `rt-jump` with the server whose card is wanted. */
export class RtFleet extends LiveElement {
  #cells = new Map()
  #sortedAt = 0
  #list = h('div.fleet-cells', { role: 'group', 'aria-label': t('All servers') })
  #select = this.#makeSelect()
  #draw = () => this.#drawCells()
  #request = () => requestDraw(this.#draw)

  enter() {
    this.append(this.#list, this.#select)
    this.on(store, 'servers', () => this.#build())
    this.on(view, 'change second', this.#request)
    this.#build()
  }

  #makeSelect() {
    const options = Object.entries(SORTS).map(([value, { label }]) => (
      h('option', { value, selected: value === view.preferences.sort }, t(label))
    ))
    const select = h('select', {
      'aria-label': t('Order'),
      onchange: () => {
        this.#sortedAt = 0
        view.prefer({ sort: select.value })
      },
    }, options)
    return select
  }

  #build() {
    this.#cells = new Map(store.list.map((server) => [server, this.#makeCell(server)]))
    this.#list.replaceChildren(...this.#cells.values())
    // One server is its own overview.
    this.hidden = this.#cells.size < 2
    this.#request()
  }

  #makeCell(server) {
    const jump = () => this.wish('rt-jump', server)
    return h(
      'button.cell',
      { onclick: jump },
      h('span.cell-bar'),
      h('span.cell-mark'),
      h('span.cell-name'),
    )
  }

  #drawCells() {
    if (this.hidden) return
    const { figures } = SORTS[view.preferences.sort] ?? SORTS.none
    const entries = [...this.#cells].map(([server, cell]) => {
      const value = worstFigure(server, figures)
      drawCell(cell, server, value)
      return { server, cell, value: value || 0 }
    })
    this.#order(entries)
  }

  #order(entries) {
    // A cell must not slip away from under a pointer.
    const isInUse = this.#list.matches(':hover, :focus-within')
    if (Date.now() - this.#sortedAt < CALM || isInUse) return
    this.#sortedAt = Date.now()
    const ordered = view.preferences.sort === 'none'
      ? entries
      : [...entries].sort((a, b) => b.value - a.value)
    const isOther = ordered.some(({ cell }, place) => this.#list.children[place] !== cell)
    if (isOther) this.#list.replaceChildren(...ordered.map(({ cell }) => cell))
  }
}

function worstFigure({ history, phase }, figures) {
  if (phase !== 'live') return NaN
  const index = history.indexAt(view.frozen ?? Infinity)
  return largest(figures.map((name) => history.valueAt(name, index)))
}

function drawCell(cell, server, value) {
  const { alerts: { level }, config: { name } } = server
  const state = describe(server)
  const mark = level || (['live', 'frozen'].includes(state.id) ? '' : state.icon)
  const words = `${name}: ${state.word}, ${percent(value)} ${alarm(server)}`
  setAttribute(cell, 'aria-label', words)
  setAttribute(cell, 'title', words)
  setAttribute(cell, 'data-level', level)
  const [bar, sign, label] = /** @type {Iterable<HTMLElement>} */ (cell.children)
  setTone(bar, value)
  redraw(sign, mark, () => (mark ? [icon(mark)] : []))
  setText(label, name)
  cell.hidden = !matchesFilter(server)
}

customElements.define('rt-fleet', RtFleet)
