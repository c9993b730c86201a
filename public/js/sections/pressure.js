// Pressure stall information: the share of time in which some, or all, tasks waited for a resource.

import { percent } from '../format.js'
import { t } from '../i18n.js'
import { Table } from '../table.js'
import { at, items, num, ratio } from '../values.js'

/** @param {import('../server.js').Server} server */
export function pressure(server) {
  const table = new Table(t('section.pressure'), [
    { label: t('psi.what') }, { label: t('psi.10'), end: true }, { label: t('psi.60'), end: true }, { label: t('psi.300'), end: true },
  ])
  return {
    node: table.node,
    update() {
      const rows = []
      for (const kind of ['cpu', 'memory', 'io', 'irq']) {
        for (const who of ['some', 'full']) {
          const averages = items(at(server.push, 'psi', kind, who), 3).items.map((value) => ratio(num(value) / 100))
          if (averages.length < 3) continue
          rows.push([`${t(`psi.${kind}`)} · ${t(`psi.${who}`)}`, ...averages.map((value) => ({ text: percent(value), share: value }))])
        }
      }
      table.set(rows)
    },
  }
}
