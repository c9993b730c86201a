// What the page looks at, and the reader's preferences.

import { keepStored, readStored } from '../config/storage.js'
import { Announcer, parseObject } from './values.js'

const KEY = 'rtstat.view'

/** @type {Preferences} */
const DEFAULTS = { theme: 'system', sort: 'none', compact: false, notify: false, open: {} }

// Announces `time` for another instant, `change` for all else, and `second` once a second.
class View extends Announcer {
  /** The newest instant shown; null while live. @type {number | null} */
  frozen = null
  frozenAt = 0
  /** The instant that is pointed at. @type {number | null} */
  cursor = null
  filter = ''
  editing = false
  preferences = readPreferences()

  constructor() {
    super()
    setInterval(() => this.announce('second'), 1000)
  }

  toggleFreeze() {
    this.frozenAt = Date.now()
    this.frozen = this.frozen === null ? this.frozenAt : null
    this.cursor = null
    this.announce('change', 'time')
  }

  /** Seconds from the freeze, at most 0. @param {number} seconds */
  scrub(seconds) {
    this.frozen = this.frozenAt + seconds * 1000
    this.announce('time')
  }

  /** @param {number | null} time */
  pointAt(time) {
    this.cursor = time
    this.announce('time')
  }

  /** @param {string} text */
  filterBy(text) {
    this.filter = text.trim().toLowerCase()
    this.announce('change')
  }

  toggleEditing() {
    this.editing = !this.editing
    this.announce('change')
  }

  /** @param {Partial<Preferences>} change */
  prefer(change) {
    this.preferences = { ...this.preferences, ...change }
    keepStored('localStorage', KEY, JSON.stringify(this.preferences))
    this.announce('change')
  }
}

// As far as it is of the right kind.
function readPreferences() {
  const kept = parseObject(readStored('localStorage', KEY)) ?? {}
  const good = Object.entries(DEFAULTS)
    .filter(([key, value]) => kept[key] && typeof kept[key] === typeof value)
    .map(([key]) => [key, kept[key]])
  return { ...DEFAULTS, ...Object.fromEntries(good) }
}

export const view = new View()
