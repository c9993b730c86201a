// What the server sends that no other section knows, and what it says about plugins.

import { h } from '../dom/h.js'
import { redraw, setText } from '../dom/update.js'
import { leftOut, Table } from '../elements/table.js'
import { remarks } from '../model/status.js'
import { at, finite, isObject, plainText, ratio, rowsOf } from '../model/values.js'
import { digits, NONE, percent, span } from '../text/format.js'
import { t } from '../text/i18n.js'

const MAX_ROWS = 40
const MAX_COLUMNS = 7

function tableOf(value, unit) {
  if (isGauge(value)) return { headings: [], rows: [[gaugeCell(value, unit)]] }
  const { rows, total } = rowsOf(value, MAX_ROWS)
  if (!total) return { headings: [], rows: [[plain(value)]] }
  const values = rows.map((row) => row.value)
  // A list of plain things is one line; of named ones, each has a row.
  if (Array.isArray(value) && !values.some(isObject)) {
    return { headings: [], rows: [[values.map(plain).join(', ')]] }
  }
  if (values.every(isGauge)) return { headings: [], rows: rows.map(gaugeRow(unit)), total }
  if (!values.every(isObject)) return { headings: [], rows: rows.map(plainRow), total }
  return { ...objectTable(rows, !Array.isArray(value)), total }
}

function isGauge(value) {
  if (typeof value === 'number') return true
  const inner = at(value, 'value')
  return inner !== undefined && !isObject(inner)
}

const gaugeRow = (unit) => ({ key, value }) => [
  plainText(at(value, 'label') ?? at(value, 'name') ?? key, 40),
  gaugeCell(value, unit),
]

const plainRow = ({ key, value }) => [plainText(key, 40), plain(value)]

function objectTable(rows, isKeyed) {
  const keys = rows.flatMap(({ value }) => Object.keys(value).slice(0, MAX_COLUMNS))
  const columns = [...new Set(keys)].slice(0, MAX_COLUMNS)
  const headings = columns.map((key) => ({
    title: plainText(key, 20),
    atEnd: rows.some(({ value }) => typeof at(value, key) === 'number'),
  }))
  return {
    headings: isKeyed ? [{ title: '', atEnd: false }, ...headings] : headings,
    rows: rows.map(({ key, value }) => {
      const cells = columns.map((column) => plain(at(value, column)))
      return isKeyed ? [plainText(key, 60), ...cells] : cells
    }),
  }
}

function gaugeCell(value, unitOfAll) {
  const number = finite(at(value, 'value') ?? value)
  const max = finite(at(value, 'max'))
  const unit = plainText(at(value, 'unit'), 16) || unitOfAll
  return {
    text: Number.isNaN(number) ? plain(at(value, 'value')) : inUnit(number, unit),
    share: max > 0 ? ratio(number / max) : undefined,
    level: number >= finite(at(value, 'warn')) ? 'warning' : '',
  }
}

const inUnit = (number, unit) => (
  unit === 'ratio' ? percent(number) : `${digits(number)} ${unit}`.trim()
)

function plain(value) {
  if (typeof value === 'number') return digits(value)
  if (typeof value === 'object' && value) return `{${Object.keys(value).length}}`
  return plainText(value, 200) || NONE
}

const MAX_TILES = 40

class Tile {
  #fault = h('p.muted')
  #name
  #table

  constructor(name) {
    const title = plainText(name, 40)
    this.#name = name
    this.#table = new Table(title)
    this.node = h('section.tile', h('h3', title), this.#table.node, this.#fault)
  }

  update(server) {
    const { push, connection: { info } } = server
    const value = push[this.#name]
    const isAbsent = value === null
    // What was there last stays, and looks old.
    if (!isAbsent) {
      const unit = plainText(at(info?.plugins.get(this.#name), 'unit'), 16)
      this.#table.show(tableOf(value, unit))
    }
    this.node.classList.toggle('tile-absent', isAbsent)
    setText(this.#fault, this.#faults(server, isAbsent))
  }

  #faults(server, isAbsent) {
    const error = plainText(at(server.push, '_meta', 'err', this.#name))
    const stale = finite(at(server.push, '_meta', 'stale', this.#name))
    const words = [
      error || (isAbsent && t('No data now')),
      stale > 0 && t('{s} old', { s: span(stale) }),
      remarks(server, [this.#name]),
    ]
    return words.filter(Boolean).join(' · ')
  }
}

/** @type {Section} */
export const plugins = {
  title: 'Plugins',
  keys: [],
  startsOpen: true,
  isOffered: (server) => server.unknownKeys().length + server.remarkedPlugins().length > 0,
  build(server) {
    const box = h('div.tiles')
    const more = h('p.muted')
    const absent = h('ul.muted')
    const tiles = new Map()
    return {
      node: h('div', box, more, absent),
      update() {
        const names = server.unknownKeys()
        updateTiles(box, tiles, names.slice(0, MAX_TILES), server)
        setText(more, leftOut(names.length, MAX_TILES))
        const lines = server.remarkedPlugins().slice(0, MAX_TILES)
          .map((name) => remarks(server, [name]))
        redraw(absent, lines.join(), () => lines.map((line) => h('li', line)))
      },
    }
  },
}

function updateTiles(box, tiles, names, server) {
  for (const name of names) {
    let tile = tiles.get(name)
    if (!tile) {
      tile = new Tile(name)
      tiles.set(name, tile)
      box.append(tile.node)
    }
    tile.update(server)
  }
  for (const [name, { node }] of tiles) {
    if (names.includes(name)) continue
    node.remove()
    tiles.delete(name)
  }
}
