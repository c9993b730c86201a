// What the whole page looks at: live or frozen, the instant under the pointer, the filter, the order of the fleet, theme.
// Announces `time` when the shown instant moves, and `change` for the rest. Remembers what is a matter of taste.

import { WINDOW } from './history.js'

const KEY = 'rtstat.view'

class View extends EventTarget {
  constructor() {
    super()
    /** The right edge of the strips while frozen, in milliseconds; null while live. @type {number|null} */
    this.frozen = null
    /** When the freeze began. */
    this.frozenAt = 0
    /** The instant that is read off, or null. @type {number|null} */
    this.cursor = null
    this.filter = ''
    this.editing = false
    /** @type {{theme: string, sort: string, compact: boolean, notify: boolean, open: Record<string, boolean>}} */
    this.taste = { theme: 'system', sort: 'none', compact: false, notify: false, open: {}, ...stored() }
  }

  /** The right edge of a strip whose own newest instant is `newest`. @param {number} newest */
  end(newest) {
    return this.frozen ?? newest
  }

  /** @param {number|null} time */
  setCursor(time) {
    if (time === this.cursor) return
    this.cursor = time
    this.dispatchEvent(new Event('time'))
  }

  freeze() {
    this.frozenAt = Date.now()
    this.frozen = this.frozenAt
    this.dispatchEvent(new Event('change'))
    this.dispatchEvent(new Event('time'))
  }

  /** @param {number} end */
  scrub(end) {
    this.frozen = Math.min(end, Date.now())
    this.dispatchEvent(new Event('time'))
  }

  thaw() {
    this.frozen = null
    this.cursor = null
    this.dispatchEvent(new Event('change'))
    this.dispatchEvent(new Event('time'))
  }

  /** @param {string} filter */
  setFilter(filter) {
    this.filter = filter.trim().toLowerCase()
    this.dispatchEvent(new Event('change'))
  }

  /** @param {boolean} editing */
  setEditing(editing) {
    this.editing = editing
    this.dispatchEvent(new Event('change'))
  }

  /**
   * @param {Partial<View['taste']>} change
   */
  setTaste(change) {
    Object.assign(this.taste, change)
    save(this.taste)
    this.dispatchEvent(new Event('change'))
  }

  /**
   * @param {string} key
   * @param {boolean} otherwise
   */
  isOpen(key, otherwise) {
    return Object.hasOwn(this.taste.open, key) ? this.taste.open[key] === true : otherwise
  }

  /**
   * @param {string} key
   * @param {boolean} open
   */
  setOpen(key, open) {
    this.taste.open[key] = open
    save(this.taste)
  }
}

/** @returns {Partial<View['taste']>} */
function stored() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    const open = typeof value.open === 'object' && value.open !== null ? value.open : {}
    return {
      theme: ['light', 'dark'].includes(value.theme) ? value.theme : 'system',
      sort: typeof value.sort === 'string' ? value.sort : 'none',
      compact: value.compact === true,
      notify: value.notify === true,
      open,
    }
  } catch {
    return {}
  }
}

/** @param {unknown} taste */
function save(taste) {
  try {
    localStorage.setItem(KEY, JSON.stringify(taste))
  } catch {
    // Storage may be full or forbidden; the page works without.
  }
}

export const view = new View()
export { WINDOW }
