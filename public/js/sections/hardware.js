// Sensors and graphics processors.

import { h } from '../dom.js'
import { bytes, count, digits, NONE, percent } from '../format.js'
import { busy, share } from '../figures.js'
import { t } from '../i18n.js'
import { Facts, Table } from '../table.js'
import { amount, at, entries, items, num, own, text } from '../values.js'

/** @typedef {import('../server.js').Server} Server */

/** @param {number} degrees */
const celsius = (degrees) => (degrees === degrees ? `${degrees.toFixed(0)} °C` : NONE)

/** @param {Server} server */
export function sensors(server) {
  const table = new Table(t('section.sensors'), [
    { label: t('sens.where'), wide: true }, { label: t('sens.now'), end: true }, { label: t('sens.max'), end: true }, { label: t('sens.crit'), end: true },
  ])
  const facts = new Facts()
  return {
    node: h('div', {}, table.node, facts.node),
    update() {
      const sens = own(server.push, 'sens')
      const { items: rows, total } = items(own(sens, 't'), 60)
      table.set(rows.map((sensor) => {
        const [now, high, critical] = [num(own(sensor, 'c')), num(own(sensor, 'max')), num(own(sensor, 'crit'))]
        /** @type {import('../types.js').Level} */
        const level = now >= critical ? 'critical' : now >= high ? 'warning' : 'ok'
        return [[text(own(sensor, 'chip'), 32), text(own(sensor, 'label'), 32)].filter(Boolean).join(' · '), { text: celsius(now), level }, celsius(high), celsius(critical)]
      }), total)
      for (const fan of items(own(sens, 'fan'), 20).items) facts.set(text(own(fan, 'label'), 32) || t('sens.fan'), `${count(amount(own(fan, 'rpm')))} ${t('unit.rpm')}`)
      for (const [name, watts] of entries(own(sens, 'w'), 20).entries) facts.set(text(name, 32), `${digits(amount(watts))} ${t('unit.W')}`)
    },
  }
}

/** @param {Server} server */
export function gpu(server) {
  const table = new Table(t('section.gpu'), [
    { label: t('gpu.name'), wide: true }, { label: t('gpu.busy'), end: true }, { label: t('gpu.vram'), end: true }, { label: '°C', end: true }, { label: t('unit.W'), end: true },
  ])
  return {
    node: table.node,
    update() {
      const { items: rows, total } = items(at(server.push, 'gpu'), 16)
      table.set(rows.map((one) => {
        const load = busy(own(one, 'busy'))
        return [text(own(one, 'name'), 60), { text: percent(load), share: load },
          { text: `${bytes(amount(own(one, 'vram_used')))} / ${bytes(amount(own(one, 'vram')))}`, share: share(own(one, 'vram_used'), own(one, 'vram')) },
          digits(num(own(one, 'c'))), digits(amount(own(one, 'w')))]
      }), total)
    },
  }
}
