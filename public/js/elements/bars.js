// Bars of stacked parts, a row each, and the legend of the parts.

import { h } from '../dom/h.js'
import { fill, setAttribute, setText } from '../dom/update.js'
import { t } from '../text/i18n.js'

/** @param {BarPart[]} parts */
export const legend = (parts) => h('ul.legend', parts.map(({ part, label }) => {
  const node = h('li', t(label))
  node.style.setProperty('--key', `var(--${part})`)
  return node
}))

/** @param {Element} box @param {Bar[]} bars */
export function setBars(box, bars) {
  const rows = fill(box, bars.length, () => (
    h('div.bar-row', h('span.bar-label'), h('span.bar-parts'), h('b.bar-value'))
  ))
  rows.forEach((row, place) => {
    const { label, value, level, parts } = bars[place]
    const [name, stack, figure] = row.children
    setText(name, label)
    setText(figure, value)
    setAttribute(figure, 'data-level', level)
    stack.style.backgroundImage = gradient(parts)
  })
}

// One background instead of an element a part: 20 cards of 16 processors are 1,600 parts.
function gradient(parts) {
  let end = 0
  const stops = parts.filter(({ share }) => share > 0).map(({ part, share }) => {
    const start = end
    // Rounded figures may add up to more than the whole.
    end = Math.min(100, end + share * 100)
    return `var(--${part}) ${start.toFixed(1)}% ${end.toFixed(1)}%`
  })
  return `linear-gradient(to right, ${[...stops, `transparent ${end.toFixed(1)}%`].join()})`
}
