// What memory and swap hold.

import { h } from '../dom/h.js'
import { legend, setBars } from '../elements/bars.js'
import { Facts, figure } from '../elements/table.js'
import { memoryOf } from '../model/figures.js'
import { at, share } from '../model/values.js'
import { bytes, count, NONE, percent, rate } from '../text/format.js'
import { t } from '../text/i18n.js'

const PARTS = [
  { part: 'apps', label: 'Programs', key: 'apps' },
  { part: 'buffers', label: 'Buffers', key: 'buffers' },
  { part: 'cached', label: 'Cache', key: 'cached' },
  // In memory too: pages of swap that were read back and are still there.
  { part: 'swap', label: 'Swap', key: 'swapCached' },
]

const FACTS = [
  { label: 'Available', read: figure(bytes, 'mem', 'available') },
  { label: 'Shared', read: figure(bytes, 'mem', 'shmem') },
  { label: 'Not written', read: figure(bytes, 'mem', 'dirty') },
  { label: 'ZFS ARC', read: figure(bytes, 'mem', 'arc') },
  { label: 'OOM kills', read: figure(count, 'mem', 'oom_kill') },
  { label: 'Swap in', read: figure(rate, 'mem', 'swap', 'in') },
  { label: 'Swap out', read: figure(rate, 'mem', 'swap', 'out') },
]

/** @type {Section} */
export const memory = {
  title: 'Memory',
  keys: ['meminfo', 'mem'],
  startsOpen: true,
  build(server) {
    const bars = h('div.bars.bars-wide')
    const facts = new Facts(FACTS)
    return {
      node: h('div', bars, legend(PARTS), facts.node),
      update() {
        setBars(bars, [memoryBar(server), swapBar(server)])
        facts.read(server.push)
      },
    }
  },
}

function memoryBar({ push, alerts }) {
  const { memory: used, total } = memoryOf(push)
  const parts = at(push, 'meminfo', 'memory')
  return {
    label: t('Mem'),
    value: usedOf(used, total) || NONE,
    level: alerts.active.get('memory'),
    parts: PARTS.map(({ part, key }) => (
      { part, share: share(at(parts, key), at(parts, 'total')) }
    )),
  }
}

function swapBar({ push, alerts }) {
  const { swap: used, swapTotal } = memoryOf(push)
  return {
    label: t('Swap'),
    value: usedOf(used, swapTotal) || t('no swap'),
    level: alerts.active.get('swap'),
    parts: [{ part: 'swap', share: used }],
  }
}

const usedOf = (used, total) => (
  total > 0 ? `${percent(used)} · ${bytes(used * total)} / ${bytes(total)}` : ''
)
