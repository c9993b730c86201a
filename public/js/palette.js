// The colours of the sheets, resolved for canvases. One palette (after Okabe and Ito) that stays apart for the common
// colour-blindnesses and differs in lightness; css/base.css holds it for both themes.

const NAMES = /** @type {const} */ (['ink', 'muted', 'line', 'surface', 'track', 'accent', 'second', 'user', 'system', 'irq',
  'iowait', 'steal', 'apps', 'buffers', 'cached', 'swapcached', 'warning', 'critical'])

/** @typedef {Record<typeof NAMES[number], string>} Palette */

/** @type {Palette|null} */
let palette = null
/** Steps of a heat cell from idle to full, as packed pixels of an ImageData and as CSS. */
export const heat = { pixels: new Uint32Array(101), css: /** @type {string[]} */ ([]) }

/** @returns {Palette} */
export function colours() {
  return (palette ??= resolve())
}

/** After a change of theme the colours are asked for again. */
export function forget() {
  palette = null
}

function resolve() {
  const probe = document.createElement('i')
  document.body.append(probe)
  const found = /** @type {Palette} */ ({})
  for (const name of NAMES) {
    probe.style.setProperty('color', `var(--${name})`)
    found[name] = getComputedStyle(probe).color
  }
  const stops = ['--heat-0', '--heat-1', '--heat-2', '--heat-3'].map((name) => {
    probe.style.setProperty('color', `var(${name})`)
    return channels(getComputedStyle(probe).color)
  })
  probe.remove()
  ramp(stops)
  return found
}

/**
 * @param {string} colour what getComputedStyle gives: rgb(…)
 * @returns {number[]}
 */
function channels(colour) {
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
}

/** @param {number[][]} stops */
function ramp(stops) {
  heat.css = []
  for (let percent = 0; percent <= 100; percent++) {
    const place = (percent / 100) * (stops.length - 1)
    const low = Math.min(Math.floor(place), stops.length - 2)
    const [red, green, blue] = [0, 1, 2].map((channel) => {
      const from = stops[low]?.[channel] ?? 0
      const to = stops[low + 1]?.[channel] ?? 0
      return Math.round(from + (to - from) * (place - low))
    })
    heat.css.push(`rgb(${red},${green},${blue})`)
    heat.pixels[percent] = ((255 << 24) | ((blue ?? 0) << 16) | ((green ?? 0) << 8) | (red ?? 0)) >>> 0
  }
}
