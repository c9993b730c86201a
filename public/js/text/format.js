// Numbers as text: three digits at most, and a unit that stays.

/** What depends on the language; i18n.js sets it. */
export const locale = { decimal: '.', unit: (/** @type {string} */ name) => name }

/** Where there is no figure. */
export const NONE = '—'

/** @type {Record<UnitFamily, { base: number, names: string[] }>} */
const UNITS = {
  bytes: { base: 1024, names: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] },
  rate: { base: 1000, names: ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s', 'PB/s'] },
  count: { base: 1000, names: ['', 'k', 'M', 'G', 'T', 'P', 'E'] },
}

const fixed = (value, places) => value.toFixed(places).replace('.', locale.decimal)

/** A fraction only below 100, and not for whole numbers. @param {number} value */
export function digits(value) {
  if (!Number.isFinite(value)) return NONE
  const size = Math.abs(value)
  // Where rounding would give a digit more: 9.996 is 10.0.
  if (size >= 99.95 || Number.isInteger(value)) return fixed(value, 0)
  return fixed(value, size >= 9.995 ? 1 : 2)
}

/** Of a ratio; a digit after the point only below ten. @param {number} ratio */
export function percent(ratio) {
  const value = ratio * 100
  if (!Number.isFinite(value)) return NONE
  return `${fixed(value, value >= 9.95 || value < 0.05 ? 0 : 1)} %`
}

/**
 * The largest one that is not larger.
 * @param {number} value @param {UnitFamily} family @returns {Unit}
 */
export function unitFor(value, family) {
  const { base, names } = UNITS[family]
  let step = 0
  let factor = 1
  // What would be written as 1000 kB/s is 1.00 MB/s.
  for (; Math.abs(value) >= factor * base * 0.9995 && names[step + 1]; step++) factor *= base
  return { factor, name: names[step] }
}

/** @param {number} value @param {Unit} unit */
export function scaled(value, { factor, name }) {
  if (!Number.isFinite(value)) return NONE
  const number = value / factor
  // 2.00 MB/s too: what keeps its width does not flicker.
  const shown = factor > 1 && number < 9.995
    ? fixed(number, 2)
    : digits(factor > 1 ? number : Math.round(number))
  return `${shown} ${locale.unit(name)}`.trim()
}

/** @param {number} value */
export const bytes = (value) => scaled(value, unitFor(value, 'bytes'))

/** @param {number} value */
export const rate = (value) => scaled(value, unitFor(value, 'rate'))

/** @param {number} value */
export const count = (value) => (value < 1e5
  ? digits(value < 10 ? value : Math.round(value))
  : scaled(value, unitFor(value, 'count')))

/** @param {number} value */
export const celsius = (value) => (Number.isNaN(value) ? NONE : `${value.toFixed(0)} °C`)

/**
 * The held one, unless it has become much too large or too small.
 * @param {Unit | undefined} held @param {number} peak @param {UnitFamily} family
 */
export function steadyUnit(held, peak, family) {
  const wanted = unitFor(peak, family)
  return !held || wanted.factor > held.factor || peak < held.factor * 0.2 ? wanted : held
}

/** 1, 2 or 5 times a power of ten. @param {number} value */
export function ceiling(value) {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5].find((step) => value <= step * power) ?? 10) * power
}

/** @param {number} time */
export const clock = (time) => new Date(time).toTimeString().slice(0, 8)

/** In the two largest units. @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  const inTwo = (size, large, small) => [
    Math.floor(whole / size), locale.unit(large),
    Math.floor((whole % size) / (size / 60)), locale.unit(small),
  ].join(' ')
  if (whole < 60) return `${whole} ${locale.unit('s')}`
  return whole < 3600 ? inTwo(60, 'min', 's') : inTwo(3600, 'h', 'min')
}
