// Memory and swap as stacked bars, in the original's parts, and what the finer plugin adds.

import { h, setAttr, setText } from '../dom.js'
import { amount, at, own } from '../values.js'
import { bytes, percent, rate } from '../format.js'
import { memoryOf, share } from '../figures.js'
import { t } from '../i18n.js'
import { colours } from '../palette.js'
import { fit } from '../plot.js'
import { Facts } from '../table.js'

/** @typedef {import('../server.js').Server} Server */

const PARTS = /** @type {const} */ (['apps', 'buffers', 'cached', 'swapcached'])
/** The wire's names of the same parts. */
const KEYS = { apps: 'apps', buffers: 'buffers', cached: 'cached', swapcached: 'swapCached' }

/** @param {Server} server */
export function memory(server) {
  const canvas = h('canvas', { 'aria-hidden': 'true' })
  const plot = h('div', { class: 'bar-plot' }, canvas)
  const memoryValue = h('span')
  const swapValue = h('span')
  const bars = h('div', { class: 'bars' },
    h('div', { class: 'bar-labels' }, h('span', {}, t('strip.mem')), h('span', {}, t('strip.swap'))),
    plot,
    h('div', { class: 'bar-values bar-values-wide' }, memoryValue, swapValue))
  bars.style.setProperty('--rows', '2')
  const legend = h('ul', { class: 'legend' }, ...PARTS.map((part) => h('li', { class: `key-${part}` }, t(`mem.${part}`))))
  const facts = new Facts()

  const draw = () => {
    const { width, height } = plot.getBoundingClientRect()
    const context = fit(canvas, width, height)
    if (!context) return
    const memory = at(server.push, 'meminfo', 'memory')
    const palette = colours()
    const thick = 12
    for (const row of [0, 1]) {
      const y = Math.round((row + 0.5) * (height / 2) - thick / 2)
      context.fillStyle = palette.track
      context.fillRect(0, y, width, thick)
      let x = 0
      const parts = row ? [{ colour: palette.swapcached, share: memoryOf(server.push).swap }]
        : PARTS.map((part) => ({ colour: palette[part], share: share(own(memory, KEYS[part]), own(memory, 'total')) }))
      for (const part of parts) {
        const long = Math.min((part.share || 0) * width, width - x)
        if (long <= 0) continue
        context.fillStyle = part.colour
        context.fillRect(x, y, Math.max(1, long - 1), thick)
        x += long
      }
    }
  }

  return {
    node: h('div', {}, bars, legend, facts.node),
    draw,
    update() {
      const { memory: used, swap, swapTotal } = memoryOf(server.push)
      const memory = at(server.push, 'meminfo', 'memory')
      const swapped = at(server.push, 'meminfo', 'swap')
      const total = amount(own(memory, 'total')) * 1024
      setText(memoryValue, `${percent(used)} · ${bytes(used * total)} / ${bytes(total)}`)
      setText(swapValue, swapTotal > 0 ? `${percent(swap)} · ${bytes(amount(own(swapped, 'used')) * 1024)} / ${bytes(swapTotal * 1024)}` : t('mem.noSwap'))
      setAttr(memoryValue, 'data-level', server.alerts.active.get('memory') ?? null)
      setAttr(swapValue, 'data-level', server.alerts.active.get('swap') ?? null)
      draw()
      const mem = own(server.push, 'mem')
      if (!mem) return
      for (const key of ['available', 'shmem', 'dirty', 'slab', 'arc']) {
        const value = amount(own(mem, key))
        if (value === value) facts.set(t(`mem.${key}`), bytes(value))
      }
      for (const key of ['in', 'out']) {
        const value = amount(at(mem, 'swap', key))
        if (value === value) facts.set(t(`mem.swap.${key}`), rate(value))
      }
      const kills = amount(own(mem, 'oom_kill'))
      if (kills === kills) facts.set(t('mem.oom'), String(kills))
    },
  }
}
