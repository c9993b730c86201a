// The sections of one card: each appears with its first key, and remembers whether it is open.

import { h } from '../dom/h.js'
import { setText } from '../dom/update.js'
import { remarks } from '../model/status.js'
import { store } from '../model/store.js'
import { view } from '../model/view.js'
import { t } from '../text/i18n.js'
import { memory } from './memory.js'
import { plugins } from './plugins.js'
import { processors } from './processors.js'
import {
  containers, disks, filesystems, graphics, network, pressure, processes, sensors, services,
} from './tables.js'

/** @type {Section[]} */
const SECTIONS = [
  processors,
  memory,
  processes,
  network,
  disks,
  filesystems,
  pressure,
  services,
  containers,
  sensors,
  graphics,
  plugins,
]

// With more servers than this, no section opens by itself.
const FEW = 6

// Its body is built when it is first opened.
class OpenableSection {
  #section
  #server
  #remark = h('p.muted')
  /** @type {ReturnType<Section['build']> | null} */
  #body = null

  /**
   * @param {Section} section @param {Server} server @param {number} place
   * @param {() => void} toggled
   */
  constructor(section, server, place, toggled) {
    this.#section = section
    this.#server = server
    this.details = h('details.section', {
      'data-place': place,
      open: this.#wasOpen(),
      ontoggle: () => {
        this.#remember()
        section.onToggle?.(server, this.details.open)
        toggled()
      },
    }, h('summary', t(section.title)), this.#remark)
  }

  update() {
    if (!this.details.open || (view.frozen !== null && this.#body)) return
    if (!this.#body) {
      this.#body = this.#section.build(this.#server, t(this.#section.title))
      this.#remark.before(this.#body.node)
    }
    this.#body.update()
    setText(this.#remark, remarks(this.#server, this.#section.keys))
  }

  get #key() {
    return `${this.#server.config.id}/${this.#section.title}`
  }

  #wasOpen() {
    const byItself = this.#section.startsOpen && store.servers.size <= FEW
    return view.preferences.open[this.#key] ?? byItself
  }

  #remember() {
    view.prefer({ open: { ...view.preferences.open, [this.#key]: this.details.open } })
  }
}

export class SectionList {
  // The open ones stand first: none leaves a hole beside a closed one.
  #opened = h('div.sections')
  #closed = h('div.sections')
  #standing = new Map()
  #server

  /** @param {Server} server */
  constructor(server) {
    this.#server = server
    this.nodes = [this.#opened, this.#closed]
  }

  update() {
    SECTIONS.forEach((section, place) => {
      const standing = this.#standing.get(place) ?? this.#appear(section, place)
      standing?.update()
    })
  }

  #appear(section, place) {
    const { push } = this.#server
    const hasKey = section.keys.some((key) => (push[key] ?? null) !== null)
    if (!hasKey && !section.isOffered?.(this.#server)) return undefined
    const arrange = () => this.#arrange(openable.details, place)
    const openable = new OpenableSection(section, this.#server, place, arrange)
    this.#standing.set(place, openable)
    arrange()
    return openable
  }

  #arrange(details, place) {
    const box = details.open ? this.#opened : this.#closed
    const hadFocus = details.contains(document.activeElement)
    const all = /** @type {HTMLElement[]} */ ([...box.children])
    // Only this one is moved: the others keep the focus.
    const next = all.find(({ dataset }) => Number(dataset.place) > place)
    box.insertBefore(details, next ?? null)
    if (hadFocus) details.firstElementChild.focus()
  }
}
