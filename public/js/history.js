// The last samples of every figure of one server, on typed arrays. Nothing is allocated per push once a figure is known.

/** Twenty minutes at half a second: the five that are shown, and room to scrub back while new ones arrive. */
export const CAPACITY = 2400
/** What a strip shows, in milliseconds. */
export const WINDOW = 300_000
/** A hostile server may invent figures without end. */
const MAX_SERIES = 64
/** Processors whose history is kept. */
export const MAX_CPUS = 1024
const ABSENT = 255

export class History {
  constructor() {
    /** When each sample arrived, in milliseconds since the epoch; rising. */
    this.times = new Float64Array(CAPACITY)
    /** @type {Map<string, Float32Array>} */
    this.series = new Map()
    /** How many samples were ever taken. */
    this.count = 0
    /** Usage of each processor in percent, sample by sample. */
    this.cpus = new Uint8Array(0)
    this.cpuSlots = 0
  }

  /** How many samples are held. */
  get length() {
    return Math.min(this.count, CAPACITY)
  }

  /**
   * Opens a new sample; every figure is missing in it until `set` gives it.
   * @param {number} time
   */
  push(time) {
    const slot = this.count % CAPACITY
    // A wall clock that was set back must not fold the axis.
    const last = this.count ? this.timeAt(this.length - 1) : 0
    this.times[slot] = Math.max(time, last)
    for (const values of this.series.values()) values[slot] = NaN
    this.cpus.fill(ABSENT, slot * this.cpuSlots, (slot + 1) * this.cpuSlots)
    this.count++
  }

  /**
   * @param {string} name
   * @param {number} value
   */
  set(name, value) {
    let values = this.series.get(name)
    if (!values) {
      if (this.series.size >= MAX_SERIES || !Number.isFinite(value)) return
      values = new Float32Array(CAPACITY).fill(NaN)
      this.series.set(name, values)
    }
    values[(this.count - 1) % CAPACITY] = value
  }

  /**
   * @param {number} count processors in this push
   */
  reserveCpus(count) {
    const wanted = Math.min(count, MAX_CPUS)
    if (wanted <= this.cpuSlots) return
    const grown = new Uint8Array(CAPACITY * wanted).fill(ABSENT)
    for (let slot = 0; this.cpuSlots && slot < CAPACITY; slot++) {
      grown.set(this.cpus.subarray(slot * this.cpuSlots, (slot + 1) * this.cpuSlots), slot * wanted)
    }
    this.cpus = grown
    this.cpuSlots = wanted
  }

  /**
   * @param {number} cpu
   * @param {number} ratio
   */
  setCpu(cpu, ratio) {
    if (cpu < this.cpuSlots) this.cpus[((this.count - 1) % CAPACITY) * this.cpuSlots + cpu] = Math.round(ratio * 100)
  }

  /**
   * Where the sample `index` (0 is the oldest held) lies in the arrays.
   * @param {number} index
   */
  slot(index) {
    return (this.count - this.length + index) % CAPACITY
  }

  /** @param {number} index */
  timeAt(index) {
    return this.times[this.slot(index)] ?? NaN
  }

  /**
   * @param {string} name
   * @param {number} index
   */
  valueAt(name, index) {
    return this.series.get(name)?.[this.slot(index)] ?? NaN
  }

  /**
   * Usage as a ratio, or NaN where that processor had none.
   * @param {number} cpu
   * @param {number} index
   */
  cpuAt(cpu, index) {
    const value = this.cpus[this.slot(index) * this.cpuSlots + cpu] ?? ABSENT
    return cpu < this.cpuSlots && value !== ABSENT ? value / 100 : NaN
  }

  /**
   * The newest sample at or before `time`; -1 when there is none.
   * @param {number} time
   */
  indexAt(time) {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.timeAt(middle) <= time) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /**
   * The largest finite value between two samples, both included; 0 when there is none.
   * @param {string} name
   * @param {number} from
   * @param {number} to
   */
  peak(name, from, to) {
    const values = this.series.get(name)
    let peak = 0
    if (values) {
      for (let index = Math.max(0, from); index <= to; index++) {
        const value = values[this.slot(index)] ?? NaN
        if (value > peak) peak = value
      }
    }
    return peak
  }
}
