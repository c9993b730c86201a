// Who did it: the processes that use the most, asked for only while this section is open.

import { h } from '../dom.js'
import { bytes, percent, rate } from '../format.js'
import { t } from '../i18n.js'
import { Table } from '../table.js'
import { amount, at, items, own, text } from '../values.js'

const ORDERS = /** @type {const} */ (['cpu', 'mem', 'io'])

/** @param {import('../server.js').Server} server */
export function top(server) {
  /** @type {typeof ORDERS[number]} */
  let order = 'cpu'
  const table = new Table(t('section.top'), [
    { label: t('top.name'), wide: true }, { label: t('top.pid'), end: true }, { label: t('cpu'), end: true }, { label: t('mem'), end: true }, { label: t('disk.r'), end: true }, { label: t('disk.w'), end: true }, { label: t('top.unit'), wide: true },
  ])
  const waiting = h('p', { class: 'muted' }, t('top.waiting'))
  const buttons = ORDERS.map((key) => h('button', { type: 'button', class: 'tab', 'aria-pressed': String(key === order), onclick: () => {
    order = key
    buttons.forEach((button, at) => button.setAttribute('aria-pressed', String(ORDERS[at] === order)))
    update()
  } }, t(`top.by.${key}`)))

  const update = () => {
    const list = at(server.push, 'top', order)
    const { items: rows, total } = items(list, 20)
    waiting.hidden = Array.isArray(list)
    table.node.hidden = !waiting.hidden
    table.set(rows.map((one) => [text(own(one, 'name'), 40), text(own(one, 'pid'), 12), percent(amount(own(one, 'cpu'))), bytes(amount(own(one, 'rss'))),
      rate(amount(own(one, 'rd'))), rate(amount(own(one, 'wr'))), text(own(one, 'unit'), 60)]), total)
  }
  return { node: h('div', {}, h('div', { class: 'tabs', role: 'group', 'aria-label': t('top.order') }, ...buttons), waiting, table.node), update }
}
