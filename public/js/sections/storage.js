// Disks (what moves) and filesystems (what is full).

import { bytes, digits, NONE, percent, rate, span } from '../format.js'
import { share } from '../figures.js'
import { t } from '../i18n.js'
import { Table } from '../table.js'
import { amount, at, entries, items, num, own, ratio, text } from '../values.js'

/** @typedef {import('../server.js').Server} Server */

/** From here on a filesystem is marked: what most systems call full enough to act. */
const FULL = 0.9
const VERY_FULL = 0.97

/** @param {Server} server */
export function disks(server) {
  const table = new Table(t('section.disks'), [
    { label: t('disk.dev') }, { label: t('disk.r'), end: true }, { label: t('disk.w'), end: true },
    { label: t('disk.util'), end: true }, { label: t('disk.wait'), end: true, title: t('disk.waitAbout') },
  ])
  return {
    node: table.node,
    update() {
      const { entries: rows, total } = entries(at(server.push, 'disk', 'dev'), 40)
      table.set(rows.map(([name, value]) => {
        const util = ratio(own(value, 'util'))
        const waits = ['r_ms', 'w_ms'].map((key) => digits(amount(own(value, key)))).join(' / ')
        return [text(name, 32), rate(amount(own(value, 'r'))), rate(amount(own(value, 'w'))),
          { text: percent(util), share: util, level: util > 0.95 ? 'warning' : 'ok' }, waits]
      }), total)
    },
  }
}

/** @param {Server} server */
export function filesystems(server) {
  const table = new Table(t('section.filesystems'), [
    { label: t('fs.mnt'), wide: true }, { label: t('fs.used'), end: true }, { label: t('fs.avail'), end: true }, { label: t('fs.inodes'), end: true }, { label: t('fs.flags') },
  ])
  return {
    node: table.node,
    update() {
      const { items: rows, total } = items(own(server.push, 'fs'), 60)
      table.set(rows.map((fs) => {
        const avail = amount(own(fs, 'avail'))
        const used = share(own(fs, 'used'), amount(own(fs, 'used')) + avail)
        const readOnly = own(fs, 'ro') === true
        const stale = num(own(fs, 'stale'))
        const stuck = stale > 0 || own(fs, 'stale') === true
        const flags = [text(own(fs, 'type'), 16), readOnly ? t('fs.ro') : '', stuck ? t('fs.stale', { s: stale > 0 ? span(stale) : '' }) : '']
        const inodes = num(own(fs, 'inode_pct'))
        return [text(own(fs, 'mnt'), 80), { text: percent(used), share: used, level: readOnly ? 'ok' : used >= VERY_FULL ? 'critical' : used >= FULL ? 'warning' : 'ok' },
          bytes(avail), inodes === inodes ? percent(inodes / 100) : NONE, { text: flags.filter(Boolean).join(' · '), level: stuck ? 'warning' : 'ok' }]
      }), total)
    },
  }
}
