// The last samples of every figure of one server, on typed arrays. Nothing is allocated per push once a figure is known.

/** Twenty minutes at half a second: five are shown, the rest is for scrubbing back. */
export const CAPACITY = 2400
/** What a strip shows, in milliseconds. */
export const WINDOW = 300_000
/** Processors whose history is kept. */
export const MAX_CPUS = 1024
/** A hostile server may invent figures without end. */
const MAX_SERIES = 64
const ABSENT = 255
/** What single precision holds. */
const LARGEST = 3e38

export class History {
	/** When each sample arrived, milliseconds since the epoch; never falling. */
	times = new Float64Array(CAPACITY)
	series = /** @type {Map<string, Float32Array>} */ (new Map())
	/** Samples ever taken. */
	count = 0
	/** Usage of each processor in percent, sample by sample. */
	cpus = new Uint8Array(0)
	cpuSlots = 0

	get length() {
		return Math.min(this.count, CAPACITY)
	}

	/** Opens a new sample, in which every figure is missing until `set`. */
	push(time, cpus) {
		const wanted = Math.min(cpus, MAX_CPUS)
		if (wanted > this.cpuSlots) {
			const grown = new Uint8Array(CAPACITY * wanted).fill(ABSENT)
			for (let slot = 0; slot < CAPACITY; slot++) grown.set(this.cpus.subarray(slot * this.cpuSlots, (slot + 1) * this.cpuSlots), slot * wanted)
			this.cpus = grown
			this.cpuSlots = wanted
		}
		const slot = this.count % CAPACITY
		// A wall clock that was set back must not fold the axis.
		this.times[slot] = this.count ? Math.max(time, this.timeAt(this.length - 1)) : time
		for (const values of this.series.values()) values[slot] = NaN
		this.cpus.fill(ABSENT, slot * this.cpuSlots, (slot + 1) * this.cpuSlots)
		this.count++
	}

	set(name, value) {
		const fits = Math.abs(value) < LARGEST
		let values = this.series.get(name)
		if (!values) {
			if (this.series.size >= MAX_SERIES || !fits) return
			this.series.set(name, values = new Float32Array(CAPACITY).fill(NaN))
		}
		values[(this.count - 1) % CAPACITY] = fits ? value : NaN
	}

	setCpu(cpu, usage) {
		if (cpu < this.cpuSlots && usage === usage) this.cpus[((this.count - 1) % CAPACITY) * this.cpuSlots + cpu] = Math.round(usage * 100)
	}

	/** Where the sample `index` (0 is the oldest held) lies in the arrays. */
	slot(index) {
		return (this.count - this.length + index) % CAPACITY
	}

	timeAt(index) {
		return this.times[this.slot(index)] ?? NaN
	}

	/** NaN where there is none. */
	valueAt(name, index) {
		return index < 0 ? NaN : this.series.get(name)?.[this.slot(index)] ?? NaN
	}

	/** A ratio, or NaN. */
	cpuAt(cpu, index) {
		const value = index < 0 || cpu >= this.cpuSlots ? ABSENT : this.cpus[this.slot(index) * this.cpuSlots + cpu] ?? ABSENT
		return value === ABSENT ? NaN : value / 100
	}

	/** The newest sample at or before `time`; -1 when there is none. */
	indexAt(time) {
		let [low, high] = [0, this.length]
		while (low < high) {
			const middle = (low + high) >> 1
			if (this.timeAt(middle) <= time) low = middle + 1
			else high = middle
		}
		return low - 1
	}

	/** The largest value between two samples, both included; 0 when there is none. */
	peak(name, from, to) {
		const values = this.series.get(name)
		let peak = 0
		for (let index = Math.max(0, from); values && index <= to; index++) peak = Math.max(peak, values[this.slot(index)] || 0)
		return peak
	}
}
