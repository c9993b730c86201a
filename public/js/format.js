// Numbers as text: at most three digits, and a unit that stays put.

export const locale = {decimal: '.', unit: (/** @type {string} */ name) => name}
export const NONE = '—'
const NAMES = {bytes: 'B KiB MiB GiB TiB PiB EiB'.split(' '), rate: 'B/s kB/s MB/s GB/s TB/s PB/s'.split(' '), count: ' k M G T P E'.split(' ')}

const fixed = (value, places) => value.toFixed(places).replace('.', locale.decimal)

export function digits(value) {
	const size = Math.abs(value)
	return Number.isFinite(value) ? fixed(value, size >= 99.95 || Number.isInteger(value) ? 0 : size >= 9.995 ? 1 : 2) : NONE
}

export function percent(ratio) {
	const value = ratio * 100
	return Number.isFinite(value) ? `${fixed(value, value >= 9.95 || value < 0.05 ? 0 : 1)} %` : NONE
}

export function unitFor(value, family) {
	const base = family === 'bytes' ? 1024 : 1000
	let [step, factor] = [0, 1]
	for (; Math.abs(value) >= factor * base * 0.9995 && NAMES[family][step + 1]; step++) factor *= base
	return {factor, name: NAMES[family][step]}
}

export function scaled(value, {factor, name}) {
	if (!Number.isFinite(value)) return NONE
	const number = value / factor
	return `${factor > 1 && number < 9.995 ? fixed(number, 2) : digits(factor > 1 ? number : Math.round(number))} ${locale.unit(name)}`.trim()
}

export const bytes = value => scaled(value, unitFor(value, 'bytes'))
export const rate = value => scaled(value, unitFor(value, 'rate'))
export const count = value => value < 1e5 ? digits(value < 10 ? value : Math.round(value)) : scaled(value, unitFor(value, 'count'))
export const celsius = value => value === value ? `${value.toFixed(0)} °C` : NONE

export function steadyUnit(held, peak, family) {
	const wanted = unitFor(peak, family)
	return !held || wanted.factor > held.factor || peak < held.factor * 0.2 ? wanted : held
}

export function ceiling(value) {
	const power = 10 ** Math.floor(Math.log10(value))
	return value > 0 ? ([1, 2, 5].find(step => value <= step * power) ?? 10) * power : 1
}

export const clock = time => new Date(time).toTimeString().slice(0, 8)

export function span(seconds) {
	const whole = Math.max(0, Math.round(seconds))
	const two = (size, large, small) => `${Math.floor(whole / size)} ${locale.unit(large)} ${Math.floor((whole % size) / (size / 60))} ${locale.unit(small)}`
	return whole < 60 ? `${whole} ${locale.unit('s')}` : whole < 3600 ? two(60, 'min', 's') : two(3600, 'h', 'min')
}
