// Systemd units and containers.

import { h } from '../dom.js'
import { bytes, count, percent, rate } from '../format.js'
import { share } from '../figures.js'
import { t } from '../i18n.js'
import { Table } from '../table.js'
import { amount, at, entries, items, own, text } from '../values.js'

/** @typedef {import('../server.js').Server} Server */
const MOST = 60

/** @param {Server} server */
export function units(server) {
  const failed = h('ul', { class: 'failed' })
  const none = h('p', { class: 'muted' }, t('units.noneFailed'))
  const table = new Table(t('section.units'), [
    { label: t('units.name'), wide: true }, { label: t('cpu'), end: true }, { label: t('mem'), end: true }, { label: t('disk.r'), end: true }, { label: t('disk.w'), end: true }, { label: t('units.tasks'), end: true },
  ])
  let said = ''
  return {
    node: h('div', {}, none, failed, table.node),
    update() {
      const { items: names, total } = items(at(server.push, 'units', 'failed'), MOST)
      const lines = names.map((name) => text(name, 80))
      if (total > lines.length) lines.push(t('more', { n: String(total - lines.length) }))
      none.hidden = total > 0
      if (lines.join() !== said) {
        said = lines.join()
        failed.replaceChildren(...lines.map((line) => h('li', {}, h('b', {}, t('units.failed')), ' ', line)))
      }
      const rows = entries(at(server.push, 'units', 'unit'), 1000)
      const sorted = rows.entries.sort(([, a], [, b]) => (amount(own(b, 'cpu')) || 0) - (amount(own(a, 'cpu')) || 0)).slice(0, MOST)
      table.set(sorted.map(([name, unit]) => [text(name, 80), percent(amount(own(unit, 'cpu'))), bytes(amount(own(unit, 'mem'))),
        rate(amount(own(unit, 'rd'))), rate(amount(own(unit, 'wr'))), count(amount(own(unit, 'tasks')))]), rows.total)
      table.node.hidden = rows.total === 0
    },
  }
}

/** @param {Server} server */
export function containers(server) {
  const table = new Table(t('section.containers'), [
    { label: t('ct.name'), wide: true }, { label: t('ct.engine') }, { label: t('cpu'), end: true }, { label: t('mem'), end: true }, { label: t('disk.r'), end: true }, { label: t('disk.w'), end: true }, { label: t('ct.pids'), end: true },
  ])
  return {
    node: table.node,
    update() {
      const rows = entries(own(server.push, 'ct'), 1000)
      const sorted = rows.entries.sort(([, a], [, b]) => (amount(own(b, 'cpu')) || 0) - (amount(own(a, 'cpu')) || 0)).slice(0, MOST)
      table.set(sorted.map(([name, one]) => [text(name, 80), text(own(one, 'engine'), 16), percent(amount(own(one, 'cpu'))),
        { text: bytes(amount(own(one, 'mem'))), share: share(own(one, 'mem'), own(one, 'mem_max')) }, rate(amount(own(one, 'rd'))), rate(amount(own(one, 'wr'))), count(amount(own(one, 'pids')))]), rows.total)
    },
  }
}
