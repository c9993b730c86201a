// Tables and facts that every push fills again: rows, cells and labels stay, their texts change.

import { h } from '../dom/h.js'
import { fill, redraw, setAttribute, setText } from '../dom/update.js'
import { amount, at, plainText, rowsOf } from '../model/values.js'
import { bytes, NONE, percent, rate } from '../text/format.js'
import { t } from '../text/i18n.js'

/**
 * `figure(rate, 'swap', 'in')` reads a row.
 * @param {(value: number) => string} format @param {string[]} path @returns {(row: any) => string}
 */
export const figure = (format, ...path) => (row) => format(amount(at(row, ...path)))

/** @param {string[]} path @returns {(row: any) => string} */
export const words = (...path) => (row) => plainText(at(row, ...path), 60) || NONE

/**
 * Some readings side by side; nothing where none of them has anything.
 * @param {((row: any) => string)[]} reads @param {string} between
 */
export const sideBySide = (reads, between) => (row) => {
  const texts = reads.map((read) => read(row))
  return texts.every((text) => text === NONE) ? NONE : texts.join(between)
}

/** @param {number} total @param {number} shown */
export const leftOut = (total, shown) => (
  total > shown ? t('… {n} more', { n: total - shown }) : ''
)

/** Labels with a figure each. One appears with its first figure, and then stays. */
export class Facts {
  #values = new Map()
  #facts

  /** @param {Fact[]} [facts] @param {string} [className] */
  constructor(facts = [], className = 'facts') {
    this.node = h(`dl.${className}`)
    this.#facts = facts.map(({ label, read }) => ({ label: t(label), read }))
  }

  /** @param {Push} push */
  read(push) {
    for (const { label, read } of this.#facts) {
      const value = read(push)
      if (value !== NONE) this.set(label, value)
    }
  }

  /** @param {string} label @param {string} value */
  set(label, value) {
    let node = this.#values.get(label)
    if (!node) {
      node = h('dd')
      this.#values.set(label, node)
      this.node.append(h('div', h('dt', `${label} `), node))
    }
    setText(node, value)
  }
}

export class Table {
  #head = h('tr')
  #body = h('tbody')
  #more = h('p.muted')

  /** @param {string} caption */
  constructor(caption) {
    // What is too wide for the card is scrolled within it, by the keyboard too.
    this.node = h(
      'div.table-box',
      { tabindex: 0, role: 'region', 'aria-label': caption },
      h('table', h('thead', this.#head), this.#body),
      this.#more,
    )
  }

  /** @param {TableContent} content */
  show({ headings, rows, total = 0 }) {
    const attributes = headings.map(({ atEnd }) => ({ class: atEnd && 'end' }))
    const key = headings.map(({ title, atEnd }) => `${title} ${atEnd}`).join()
    redraw(this.#head, key, () => headings.map(({ title }, place) => (
      h('th', { scope: 'col' }, attributes[place], title)
    )))
    const made = fill(this.#body, rows.length, () => h('tr'))
    rows.forEach((cells, place) => {
      const nodes = fill(made[place], cells.length, (column) => (
        column ? h('td', attributes[column]) : h('th', { scope: 'row' })
      ))
      cells.forEach((cell, column) => setCell(nodes[column], cell))
    })
    setText(this.#more, leftOut(total, rows.length))
  }
}

function setCell(node, cell) {
  const { text, share, level } = typeof cell === 'string' ? { text: cell } : cell
  if (node.textContent !== text) {
    node.textContent = text
    node.title = text
  }
  if (share !== undefined) node.style.setProperty('--share', String(share || 0))
  setAttribute(node, 'data-level', level)
}

const MAX_ROWS = 1000
const MAX_SHOWN = 60

/** @type {(layout: TableLayout) => Section['build']} */
export const tableSection = ({ rows: rowsIn, columns, sort, facts, addFacts }) => (
  (server, caption) => {
    const headings = columns.map(({ title, atStart }, place) => (
      { title: t(title), atEnd: place > 0 && !atStart }
    ))
    const table = new Table(caption)
    const pairs = new Facts(facts)
    const cells = ({ key, value }) => {
      const name = plainText(key, 80)
      return columns.map(({ read }) => read(value, name, server))
    }
    return {
      node: h('div', table.node, pairs.node),
      update() {
        const { push } = server
        const { rows, total } = rowsOf(rowsIn(push), MAX_ROWS)
        sort?.(rows)
        table.show({ headings, rows: rows.slice(0, MAX_SHOWN).map(cells), total })
        table.node.hidden = !total
        pairs.read(push)
        addFacts?.(push, pairs)
      },
    }
  }
)

/** @type {Column} */
export const NAME = { title: 'Name', read: (_, name) => name }

/** What a process, a unit or a container uses. */
export const USE = {
  cpu: { title: 'CPU', read: figure(percent, 'cpu') },
  memory: { title: 'Memory', read: figure(bytes, 'mem') },
  read: { title: 'Read', read: figure(rate, 'rd') },
  write: { title: 'Write', read: figure(rate, 'wr') },
}

/** @param {Row[]} rows */
export const sortByCpu = (rows) => {
  const cpu = ({ value }) => amount(at(value, 'cpu')) || 0
  rows.sort((a, b) => cpu(b) - cpu(a))
}

/**
 * A share, with a line below it that is as long.
 * @param {number} value @param {Level} [level] @returns {Cell}
 */
export const shareCell = (value, level = '') => ({ text: percent(value), share: value, level })
