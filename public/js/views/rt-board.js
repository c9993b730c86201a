// The columns of cards, as the configuration lays them out.

import { button, h, iconButton } from '../dom/h.js'
import { LiveElement } from '../dom/update.js'
import { store } from '../model/store.js'
import { view } from '../model/view.js'
import { t } from '../text/i18n.js'

/** Wishes `rt-edit-server` for a new one, and `rt-edit-config`. */
export class RtBoard extends LiveElement {
  #makeCard
  #cards = new Map()
  #hasTools = false

  /** @param {(server: Server) => Card} makeCard */
  constructor(makeCard) {
    super()
    this.#makeCard = makeCard
  }

  enter() {
    this.on(store, 'servers', () => this.#build())
    this.on(view, 'change', () => this.#hasTools !== view.editing && this.#build())
    this.#build()
  }

  /** @param {Server} server */
  jumpTo(server) {
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
    const card = this.#cards.get(server)
    card?.scrollIntoView({ behavior: isStill ? 'auto' : 'smooth' })
    card?.focusHeading()
  }

  #build() {
    this.#hasTools = view.editing
    const focused = document.activeElement
    const place = this.#tools().indexOf(focused)
    const hadFocus = this.contains(focused)
    // A card that stands elsewhere is the same card: its sections stay open.
    this.#cards = new Map(store.list.map((server) => (
      [server, this.#cards.get(server) ?? this.#makeCard(server)]
    )))
    const { columns } = store.config
    this.replaceChildren(...columns.map((column, index) => this.#column(column, index)))
    if (!this.#cards.size && !view.editing) this.append(this.#invitation())
    if (hadFocus) this.#restoreFocus(focused, place)
  }

  #column({ name, servers }, index) {
    const heading = view.editing
      ? columnTools({
        index,
        total: store.config.columns.length,
        name,
        onAdd: () => this.wish('rt-edit-server', { server: null, column: index }),
      })
      : name && h('h2', name)
    return h(
      'section.column',
      { 'aria-label': name || t('Column {n}', { n: index + 1 }) },
      heading,
      servers.map(({ id }) => this.#cards.get(store.servers.get(id))),
    )
  }

  #invitation() {
    const addServer = () => this.wish('rt-edit-server', { server: null })
    const loadConfig = () => this.wish('rt-edit-config')
    return h(
      'section.empty',
      h('h2', t('No servers yet')),
      h('p', t('empty')),
      h(
        'div.row',
        button(t('Add server'), addServer, 'primary'),
        button(t('Configuration'), loadConfig),
      ),
    )
  }

  #tools() {
    return /** @type {any[]} */ ([...this.querySelectorAll('.edit-tools > *')])
  }

  // To the same tool, or the one of its name, or in its place: who edits by the keyboard goes on.
  #restoreFocus(before, place) {
    const all = this.#tools()
    const same = before.isConnected
      ? before
      : all.find(({ ariaLabel }) => ariaLabel && ariaLabel === before.ariaLabel)
    const next = same ?? all[Math.min(place, all.length - 1)]
    const able = next?.disabled ? next.parentElement.querySelector('button:enabled') : next
    able?.focus()
  }
}

function columnTools({ index, total, name, onAdd }) {
  const label = t('Column {n}', { n: index + 1 })
  const shown = name || label
  const tool = (drawing, title, act, disabled = false) => (
    iconButton(drawing, `${t(title)}: ${shown}`, () => store.edit(act), { disabled })
  )
  const mover = (arrow, by) => tool(arrow, `Move ${arrow}`, ({ columns }) => {
    columns.splice(index + by, 0, ...columns.splice(index, 1))
  }, index + by < 0 || index + by === total)
  return h(
    'div.edit-tools',
    { role: 'group', 'aria-label': shown },
    nameField(index, name, label),
    mover('left', -1),
    mover('right', 1),
    tool('close', 'Remove', ({ columns }) => columns.splice(index, 1)),
    button(t('Add server'), onAdd),
  )
}

function nameField(index, name, label) {
  const rename = () => store.edit(({ columns }) => {
    columns[index].name = field.value.trim()
  })
  const field = h('input', {
    value: name,
    maxlength: 200,
    'aria-label': label,
    placeholder: label,
    // A change builds the tools anew: not before Tab has moved the focus.
    onchange: () => setTimeout(rename),
  })
  return field
}

customElements.define('rt-board', RtBoard)
