// Processors: bars, or a grid of many.

import { h } from '../dom/h.js'
import { fill, setAttribute, setText, setTone } from '../dom/update.js'
import { legend, setBars } from '../elements/bars.js'
import { Facts, figure, leftOut } from '../elements/table.js'
import { cpusOf } from '../model/figures.js'
import { MAX_CPUS } from '../model/history.js'
import { plainText } from '../model/values.js'
import { count, percent } from '../text/format.js'
import { t } from '../text/i18n.js'

const CPU_PARTS = [
  { part: 'user', label: 'Programs' },
  { part: 'system', label: 'System' },
  { part: 'irq', label: 'Interrupts' },
  { part: 'iowait', label: 'IO wait' },
  { part: 'steal', label: 'Stolen' },
]

const MIN_CELL = 18
const MIN_COLUMNS = 8

class CpuGrid {
  #cpus = []
  #pointed = -1
  #columns = 1

  constructor() {
    this.node = h('div.cpu-grid', {
      tabindex: 0,
      role: 'group',
      onpointermove: ({ target }) => this.#point([...this.node.children].indexOf(target)),
      onpointerleave: () => this.#point(-1),
      onblur: () => this.#point(-1),
      onkeydown: (event) => this.#key(event),
    })
    this.readout = h('p.muted.readout', { 'aria-live': 'polite' })
  }

  show(cpus, total) {
    this.#cpus = cpus
    setAttribute(this.node, 'aria-label', t('{n} processors; arrow keys read each', { n: total }))
    this.#draw()
  }

  #draw() {
    const cpus = this.#cpus
    const fitting = Math.max(MIN_COLUMNS, Math.floor(this.node.clientWidth / MIN_CELL))
    // As many rows as it takes, and all about as long.
    const rows = Math.ceil(cpus.length / fitting)
    this.#columns = Math.ceil(cpus.length / rows)
    this.node.style.gridTemplateColumns = `repeat(${this.#columns}, 1fr)`
    fill(this.node, cpus.length, () => h('i')).forEach((cell, place) => {
      setTone(cell, cpus[place].usage)
      cell.className = place === this.#pointed ? 'pointed' : ''
    })
    setText(this.readout, this.#words())
  }

  #words() {
    const one = this.#cpus[this.#pointed]
    if (!one) {
      const worst = this.#cpus.reduce((best, cpu) => (cpu.usage > best.usage ? cpu : best))
      const values = { name: plainText(worst.name, 20), usage: percent(worst.usage) }
      return t('Busiest: {name} {usage}', values)
    }
    const parts = CPU_PARTS.filter(({ part }) => one[part] > 0)
      .map(({ part, label }) => `${t(label)} ${percent(one[part])}`)
    return [`${plainText(one.name, 20)} ${percent(one.usage)}`, ...parts].join(' · ')
  }

  #point(place) {
    this.#pointed = Math.min(this.#cpus.length - 1, place)
    if (this.#cpus.length) this.#draw()
  }

  #key(event) {
    const down = this.#columns
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down }[event.key]
    if (!step) return
    event.preventDefault()
    this.#point(Math.max(0, this.#pointed + step))
  }
}

// More would push all else off the screen.
const MAX_BARS = 16

const FACTS = [
  { label: 'Switches/s', read: figure(count, 'cpu', 'ctxt') },
  { label: 'Interrupts/s', read: figure(count, 'cpu', 'intr') },
  { label: 'Blocked', read: figure(count, 'cpu', 'blocked') },
]

/** @type {Section} */
export const processors = {
  title: 'Processors',
  keys: ['cpu_stat', 'cpu'],
  startsOpen: true,
  build(server) {
    const bars = h('div.bars')
    const grid = new CpuGrid()
    const more = h('p.muted')
    const key = legend(CPU_PARTS)
    const facts = new Facts(FACTS)
    return {
      node: h('div', bars, grid.node, grid.readout, more, key, facts.node),
      update() {
        const { cpus, total } = cpusOf(server.push, MAX_CPUS)
        const isGrid = cpus.length > MAX_BARS
        for (const node of [grid.node, grid.readout]) node.hidden = !isGrid
        bars.hidden = isGrid
        key.hidden = isGrid
        if (isGrid) grid.show(cpus, total)
        else setBars(bars, cpus.map((cpu) => barOf(cpu, server.config.thresholds.cpu)))
        setText(more, leftOut(total, cpus.length))
        facts.read(server.push)
      },
    }
  },
}

const barOf = (cpu, threshold) => ({
  label: plainText(cpu.name, 12),
  value: percent(cpu.usage),
  level: cpu.usage * 100 >= threshold ? 'warning' : '',
  parts: CPU_PARTS.map(({ part }) => ({ part, share: cpu[part] })),
})
