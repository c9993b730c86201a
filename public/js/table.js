// A table that is filled again with every push: rows and cells are kept and only their text changes.

import { h, setAttr, setText } from './dom.js'
import { t } from './i18n.js'

/**
 * A cell: plain text, or text with a share (drawn behind it), a mark, or the name of a row.
 * @typedef {string|{text: string, share?: number, level?: import('./types.js').Level}} Cell
 */

export class Table {
  /**
   * @param {string} caption read out, not shown
   * @param {{label: string, end?: boolean, wide?: boolean, title?: string}[]} columns `end` aligns figures to the right
   */
  constructor(caption, columns) {
    this.columns = columns
    this.body = h('tbody')
    this.more = h('p', { class: 'more', hidden: true })
    const heads = columns.map((column) => h('th', { scope: 'col', class: kind(column), title: column.title }, column.label))
    this.table = h('table', {}, h('caption', { class: 'hidden-text' }, caption), h('thead', {}, h('tr', {}, ...heads)), this.body)
    this.node = h('div', { class: 'table-box', tabindex: 0, role: 'region', 'aria-label': caption }, this.table, this.more)
  }

  /**
   * @param {Cell[][]} rows
   * @param {number} [total] how many there are in all
   */
  set(rows, total = rows.length) {
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1)
    rows.forEach((cells, r) => {
      const row = this.body.rows[r] ?? this.body.appendChild(this.row())
      cells.forEach((cell, c) => {
        const node = row.cells[c]
        if (!node) return
        const plain = typeof cell === 'string'
        const text = plain ? cell : cell.text
        if (node.textContent !== text) {
          node.textContent = text
          node.title = text.length > 12 ? text : ''
        }
        if (plain) return
        if (cell.share !== undefined) node.style.setProperty('--share', cell.share === cell.share ? cell.share.toFixed(3) : '0')
        setAttr(node, 'data-level', cell.level && cell.level !== 'ok' ? cell.level : null)
      })
    })
    const left = total - rows.length
    this.more.hidden = left <= 0
    if (left > 0) setText(this.more, t('more', { n: String(left) }))
  }

  row() {
    return h('tr', {}, ...this.columns.map((column, at) => at === 0
      ? h('th', { scope: 'row', class: kind(column) })
      : h('td', { class: kind(column) })))
  }
}

/** @param {{end?: boolean, wide?: boolean}} column */
function kind(column) {
  return [column.end ? 'end' : '', column.wide ? 'wide' : ''].join(' ').trim() || undefined
}

/**
 * Pairs of a name and a figure, side by side as far as there is room.
 */
export class Facts {
  constructor() {
    this.node = h('dl', { class: 'facts' })
    /** @type {Map<string, HTMLElement>} */
    this.values = new Map()
  }

  /**
   * @param {string} label
   * @param {string} value
   */
  set(label, value) {
    let node = this.values.get(label)
    if (!node) {
      node = h('dd')
      this.values.set(label, node)
      this.node.append(h('div', {}, h('dt', {}, label), node))
    }
    setText(node, value)
  }
}
