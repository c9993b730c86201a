// The last samples of every figure; nothing is allocated per push.

/** Twenty minutes at half a second; five are shown. */
export const CAPACITY = 2400
export const WINDOW = 300_000
export const MAX_CPUS = 1024
const MAX_SERIES = 64
const ABSENT = 255
const LARGEST = 3e38

export class History {
	times = new Float64Array(CAPACITY)
	series = new Map()
	count = 0
	cpus = new Uint8Array(0)
	cpuSlots = 0

	get length() {
		return Math.min(this.count, CAPACITY)
	}

	push(time, cpus) {
		const wanted = Math.min(cpus, MAX_CPUS)
		if (wanted > this.cpuSlots) {
			const grown = new Uint8Array(CAPACITY * wanted).fill(ABSENT)
			for (let slot = 0; slot < CAPACITY; slot++) grown.set(this.cpusAt(slot), slot * wanted)
			Object.assign(this, {cpus: grown, cpuSlots: wanted})
		}
		const slot = this.count % CAPACITY
		// A wall clock that was set back must not fold the axis.
		this.times[slot] = this.count ? Math.max(time, this.timeAt(this.length - 1)) : time
		for (const values of this.series.values()) values[slot] = NaN
		this.cpusAt(slot).fill(ABSENT)
		this.count++
	}

	cpusAt(slot) {
		return this.cpus.subarray(slot * this.cpuSlots, (slot + 1) * this.cpuSlots)
	}

	set(name, value) {
		const fits = Math.abs(value) < LARGEST
		let values = this.series.get(name)
		if (!values) {
			if (this.series.size >= MAX_SERIES || !fits) return
			this.series.set(name, values = new Float32Array(CAPACITY).fill(NaN))
		}
		values[this.slot(this.length - 1)] = fits ? value : NaN
	}

	setCpu(cpu, usage) {
		if (cpu < this.cpuSlots && usage === usage) this.cpus[this.slot(this.length - 1) * this.cpuSlots + cpu] = Math.round(usage * 100)
	}

	slot(index) {
		return (this.count - this.length + index) % CAPACITY
	}

	timeAt(index) {
		return this.times[this.slot(index)] ?? NaN
	}

	valueAt(name, index) {
		return index < 0 ? NaN : this.series.get(name)?.[this.slot(index)] ?? NaN
	}

	indexAt(time) {
		let [low, high] = [0, this.length]
		while (low < high) {
			const middle = (low + high) >> 1
			if (this.timeAt(middle) <= time) low = middle + 1
			else high = middle
		}
		return low - 1
	}

	peak(name, from, to) {
		const values = this.series.get(name)
		let peak = 0
		for (let index = Math.max(0, from); values && index <= to; index++) peak = Math.max(peak, values[this.slot(index)] || 0)
		return peak
	}
}
