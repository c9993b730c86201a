// Interfaces and sockets.

import { h } from '../dom.js'
import { count, NONE, rate } from '../format.js'
import { t } from '../i18n.js'
import { Facts, Table } from '../table.js'
import { amount, at, entries, items, own, text } from '../values.js'

/** @param {import('../server.js').Server} server */
export function network(server) {
  const table = new Table(t('section.network'), [
    { label: t('net.if') }, { label: '↓', end: true, title: t('net.rx') }, { label: '↑', end: true, title: t('net.tx') },
    { label: t('net.err'), end: true, title: t('net.errAbout') }, { label: t('net.link'), end: true },
  ])
  const facts = new Facts()
  return {
    node: h('div', {}, table.node, facts.node),
    update() {
      const { entries: rows, total } = entries(at(server.push, 'net', 'if'), 40)
      table.set(rows.map(([name, value]) => {
        const faults = amount(own(value, 'err')) + amount(own(value, 'drop'))
        const speed = amount(own(value, 'mbps'))
        const up = own(value, 'up')
        const link = up === false ? t('net.down') : speed > 0 ? `${count(speed)} Mb/s` : up === true ? t('net.up') : NONE
        return [text(name, 32), rate(amount(own(value, 'rx'))), rate(amount(own(value, 'tx'))),
          { text: count(faults), level: faults > 0 ? 'warning' : 'ok' }, { text: link, level: up === false ? 'warning' : 'ok' }]
      }), total)
      const sock = own(server.push, 'sock')
      for (const key of ['tcp', 'tw', 'orphan', 'udp', 'retrans', 'listen_drop']) {
        const value = amount(own(sock, key))
        if (value === value) facts.set(t(`sock.${key}`), count(value))
      }
      const [used, most] = items(own(sock, 'conntrack'), 2).items.map(amount)
      if (used !== undefined && most !== undefined) facts.set(t('sock.conntrack'), `${count(used)} / ${count(most)}`)
    },
  }
}
