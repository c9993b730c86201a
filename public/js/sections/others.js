// Plugins the page has never heard of, drawn by the shape of what they send and by what `info` says of them; and those that
// the server offers but can't give, with the reason.

import { h, setAttr, setText } from '../dom.js'
import { digits, NONE, percent } from '../format.js'
import { t } from '../i18n.js'
import { Facts, Table } from '../table.js'
import { at, entries, items, num, own, record, text } from '../values.js'

/** @typedef {import('../server.js').Server} Server */
/** @typedef {{node: HTMLElement, update: (value: unknown, about: import('../types.js').PluginInfo|undefined) => void}} Tile */

const MOST = 40
const COLUMNS = 7

/** @param {Server} server */
export function others(server) {
  const box = h('div', { class: 'tiles' })
  const more = h('p', { class: 'more', hidden: true })
  const absent = h('ul', { class: 'absent' })
  /** @type {Map<string, {shape: string, tile: Tile, node: HTMLElement, fault: HTMLElement}>} */
  const tiles = new Map()
  return {
    node: h('div', {}, box, more, absent),
    update() {
      const { names, total } = server.unknown(MOST)
      for (const name of names) {
        const value = server.push[name]
        const shape = shapeOf(value)
        let entry = tiles.get(name)
        // A key that is null for now keeps the look it had.
        if (!entry || (entry.shape !== shape && shape !== 'none')) {
          entry?.node.remove()
          const tile = SHAPES[shape]?.(name) ?? none()
          const fault = h('p', { class: 'muted', hidden: true })
          const node = h('section', { class: `tile tile-${shape}` }, h('h4', {}, text(name, 40)), tile.node, fault)
          entry = { shape, tile, node, fault }
          tiles.set(name, entry)
          box.append(node)
        }
        const { tile, fault } = entry
        if (shape !== 'none') tile.update(value, server.client.info?.plugins.get(name))
        entry.node.classList.toggle('tile-absent', shape === 'none')
        const why = text(at(server.push, '_meta', 'err', name)) || (shape === 'none' ? t('plugin.none') : '')
        const stale = num(at(server.push, '_meta', 'stale', name))
        const said = [why, stale > 0 ? t('plugin.stale', { s: digits(stale) }) : ''].filter(Boolean).join(' · ')
        fault.hidden = said === ''
        setText(fault, said)
      }
      for (const [name, entry] of tiles) if (!names.includes(name)) {
        entry.node.remove()
        tiles.delete(name)
      }
      more.hidden = total <= names.length
      setText(more, t('more', { n: String(total - names.length) }))
      const lines = server.unavailable()
      if (absent.childElementCount !== lines.length) absent.replaceChildren(...lines.map(([name, why]) => h('li', {}, h('b', {}, name), ' ', why)))
    },
  }
}

/** @param {unknown} value */
function shapeOf(value) {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value)) {
    if (value.every((item) => record(item) && 'value' in item)) return 'gauges'
    return value.some((item) => record(item)) ? 'table' : 'text'
  }
  const object = record(value)
  if (!object) return typeof value === 'number' ? 'gauge' : 'text'
  if (Object.hasOwn(object, 'value') && typeof object.value !== 'object') return 'gauge'
  const inner = Object.values(object).slice(0, MOST)
  if (inner.length && inner.every((item) => record(item))) return inner.every((item) => own(item, 'value') !== undefined) ? 'named' : 'rows'
  return 'facts'
}

/** @type {Record<string, (name: string) => Tile>} */
const SHAPES = {
  gauge() {
    const gauge = meter()
    return { node: gauge.node, update: (value, about) => gauge.set('', record(value) ?? { value }, text(own(about, 'unit'), 16)) }
  },
  gauges: () => meters((value) => items(value, MOST).items.map((item, index) => [text(own(item, 'label') ?? own(item, 'name'), 40) || String(index + 1), item])),
  named: () => meters((value) => entries(value, MOST).entries.map(([key, item]) => [text(key, 40), item])),
  table(name) {
    return grid(name, (value) => {
      const { items: rows, total } = items(value, MOST)
      return { rows: rows.map((row) => ['', row]), total }
    })
  },
  rows(name) {
    return grid(name, (value) => {
      const { entries: rows, total } = entries(value, MOST)
      return { rows, total }
    })
  },
  facts() {
    const facts = new Facts()
    return { node: facts.node, update: (value) => entries(value, MOST).entries.forEach(([key, item]) => facts.set(text(key, 40), plain(item))) }
  },
  text() {
    const node = h('p', { class: 'plain' })
    return { node, update: (value) => setText(node, Array.isArray(value) ? value.slice(0, MOST).map(plain).join(', ') : text(value, 400)) }
  },
  none,
}

/** @returns {Tile} */
function none() {
  return { node: h('p', {}, NONE), update() {} }
}

/** A value of any kind in one short line. @param {unknown} value */
function plain(value) {
  if (typeof value === 'number') return digits(num(value))
  if (value === null || value === undefined) return NONE
  return typeof value === 'object' ? `{${Object.keys(value).length}}` : text(value, 80)
}

function meter() {
  const label = h('span', { class: 'meter-label' })
  const figure = h('b', { class: 'meter-value' })
  const bar = h('span', { class: 'meter-bar', hidden: true })
  return {
    node: h('div', { class: 'meter' }, label, figure, bar),
    /**
     * @param {string} name
     * @param {unknown} gauge `{value, unit, max, warn}`
     * @param {string} otherwise the unit that `info` tells
     */
    set(name, gauge, otherwise) {
      const value = num(own(gauge, 'value'))
      const max = num(own(gauge, 'max'))
      const warn = num(own(gauge, 'warn'))
      const unit = text(own(gauge, 'unit'), 16) || otherwise
      setText(label, name)
      setText(figure, value === value ? (unit === 'ratio' ? percent(value) : `${digits(value)}${unit ? ` ${unit}` : ''}`) : plain(own(gauge, 'value')))
      const level = value >= warn ? 'warning' : null
      setAttr(figure, 'data-level', level)
      setAttr(figure, 'title', level ? t('level.warning') : null)
      bar.hidden = !(max > 0)
      if (max > 0) bar.style.setProperty('--share', String(Math.min(1, Math.max(0, value / max)) || 0))
    },
  }
}

/**
 * @param {(value: unknown) => [string, unknown][]} rowsOf
 * @returns {Tile}
 */
function meters(rowsOf) {
  const node = h('div', { class: 'meters' })
  /** @type {ReturnType<typeof meter>[]} */
  const shown = []
  return {
    node,
    update(value, about) {
      const rows = rowsOf(value)
      while (shown.length > rows.length) shown.pop()?.node.remove()
      rows.forEach(([name, gauge], index) => {
        const one = shown[index] ?? meter()
        if (!shown[index]) {
          shown.push(one)
          node.append(one.node)
        }
        one.set(name, gauge, text(own(about, 'unit'), 16))
      })
    },
  }
}

/**
 * @param {string} name
 * @param {(value: unknown) => {rows: [string, unknown][], total: number}} rowsOf
 * @returns {Tile}
 */
function grid(name, rowsOf) {
  const node = h('div')
  /** @type {Table|null} */
  let table = null
  let heads = ''
  return {
    node,
    update(value) {
      const { rows, total } = rowsOf(value)
      const keys = new Set(rows.flatMap(([, row]) => Object.keys(record(row) ?? {}).slice(0, COLUMNS)))
      const columns = [...keys].slice(0, COLUMNS)
      const named = rows.some(([key]) => key !== '')
      if (columns.join() !== heads || !table) {
        heads = columns.join()
        const numeric = (/** @type {string} */ key) => rows.some(([, row]) => typeof own(row, key) === 'number')
        table = new Table(text(name, 40), [...(named ? [{ label: t('plugin.key') }] : []), ...columns.map((key) => ({ label: text(key, 20), end: numeric(key) }))])
        node.replaceChildren(table.node)
      }
      table.set(rows.map(([key, row]) => [...(named ? [text(key, 60)] : []), ...columns.map((column) => plain(own(row, column)))]), total)
    },
  }
}
