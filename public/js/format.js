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

export class Teller extends EventTarget {
	tell(...names) {
		for (const name of names) this.dispatchEvent(new Event(name))
	}
}

export const num = value => Number.isFinite(value) ? value : NaN

export const ratio = value => Math.min(1, Math.max(0, num(value)))

export const amount = value => num(value) > 1e21 ? NaN : Math.max(0, num(value))

/** Without control characters and direction marks. */
export function text(value, most = 120) {
	const plain = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
	return (plain.length > most ? `${plain.slice(0, most)}…` : plain).replace(/[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
}

const holds = value => typeof value === 'object' && value !== null
export const isObject = value => holds(value) && !Array.isArray(value)

export function parsed(json) {
	try {
		const value = JSON.parse(json)
		return isObject(value) ? value : null
	} catch {return null}
}

/** By own keys only. @param {...string} path */
export function at(value, ...path) {
	for (const key of path) value = holds(value) && Object.hasOwn(value, key) ? value[key] : undefined
	return value
}

export function rowsOf(value, most = 60) {
	const keys = holds(value) ? Object.keys(value) : []
	return {rows: keys.slice(0, most).map(key => [key, value[key]]), total: keys.length}
}

export const share = (part, whole) => amount(whole) > 0 ? ratio(amount(part) / amount(whole)) : NaN

export const largest = values => values.reduce((best, value) => value === value && !(best >= value) ? value : best, NaN)

/** "19 min", "4:05", "1 day, 22 min", "3 days,  4:05". */
export function uptimeSeconds(value) {
	const parts = /^(?=.*\d)\s*(?:(\d+) days?,?\s*)?(?:(\d+):(\d+)|(\d+) min)?\s*$/.exec(text(value))
	const [, days, hours, minutes, alone] = parts?.map(part => Number(part ?? 0)) ?? []
	return days * 86400 + hours * 3600 + (minutes + alone) * 60
}
