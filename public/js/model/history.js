// The last samples of every figure. Nothing is allocated when a push comes, and a page that stays
// open does not grow.

/** Twenty minutes at half a second. */
export const CAPACITY = 2400

/** Milliseconds that the strips show. */
export const WINDOW = 300_000

export const MAX_CPUS = 1024

const MAX_SERIES = 64
const LARGEST = 3e38
// Of a processor that was not there.
const ABSENT = 255

/**
 * A ring. The *index* of a sample, 0 for the oldest, changes with the next one; its *slot* does
 * not.
 */
export class History {
  /** By slot, as all arrays here. */
  times = new Float64Array(CAPACITY)
  /**
   * By name, then by slot; NaN where a sample has no such figure.
   * @type {Map<string, Float32Array>}
   */
  series = new Map()
  /** Samples that ever came; `length` of them are held. */
  count = 0
  /** In percent, `cpuSlots` of them a slot. */
  cpus = new Uint8Array(0)
  cpuSlots = 0

  /** Samples that are held. */
  get length() {
    return Math.min(this.count, CAPACITY)
  }

  /** @param {number} time @param {number} cpus */
  push(time, cpus) {
    const wanted = Math.min(cpus, MAX_CPUS)
    if (wanted > this.cpuSlots) this.#growCpus(wanted)
    const slot = this.count % CAPACITY
    // A clock that was set back must not fold the axis.
    this.times[slot] = this.count ? Math.max(time, this.timeAt(this.length - 1)) : time
    for (const values of this.series.values()) values[slot] = NaN
    this.cpusAt(slot).fill(ABSENT)
    this.count++
  }

  #growCpus(wanted) {
    const grown = new Uint8Array(CAPACITY * wanted).fill(ABSENT)
    for (let slot = 0; slot < CAPACITY; slot++) grown.set(this.cpusAt(slot), slot * wanted)
    this.cpus = grown
    this.cpuSlots = wanted
  }

  /** @param {number} slot */
  cpusAt(slot) {
    return this.cpus.subarray(slot * this.cpuSlots, (slot + 1) * this.cpuSlots)
  }

  /**
   * Of the newest sample, as `setCpu`. A server may make up names: there are only so many series.
   * @param {string} name @param {number} value
   */
  set(name, value) {
    const fits = Math.abs(value) < LARGEST
    let values = this.series.get(name)
    if (!values) {
      if (this.series.size >= MAX_SERIES || !fits) return
      values = new Float32Array(CAPACITY).fill(NaN)
      this.series.set(name, values)
    }
    values[this.slot(this.length - 1)] = fits ? value : NaN
  }

  /** A processor of the newest sample. @param {number} cpu @param {number} usage */
  setCpu(cpu, usage) {
    if (cpu >= this.cpuSlots || Number.isNaN(usage)) return
    this.cpus[this.slot(this.length - 1) * this.cpuSlots + cpu] = Math.round(usage * 100)
  }

  /** @param {number} index */
  slot(index) {
    return (this.count - this.length + index) % CAPACITY
  }

  /** @param {number} index */
  timeAt(index) {
    return this.times[this.slot(index)] ?? NaN
  }

  /** @param {string} name @param {number} index */
  valueAt(name, index) {
    return index < 0 ? NaN : this.series.get(name)?.[this.slot(index)] ?? NaN
  }

  /** Of the last sample that is not after a time; -1 when all are. @param {number} time */
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

  /** @param {string} name @param {number} from @param {number} to */
  peak(name, from, to) {
    const values = this.series.get(name)
    let peak = 0
    if (!values) return peak
    for (let index = Math.max(0, from); index <= to; index++) {
      peak = Math.max(peak, values[this.slot(index)] || 0)
    }
    return peak
  }
}
