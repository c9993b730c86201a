// All columns with their cards, built anew when the configuration changes; cards of servers that stay keep their elements.

import { h } from '../dom.js'
import { fleet } from '../fleet.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { view } from '../view.js'
import { columnTools } from './edit-tools.js'
import { openServerDialog } from './rt-server-dialog.js'
import { RtServer } from './rt-server.js'

class RtBoard extends HTMLElement {
  constructor() {
    super()
    /** @type {Map<import('../server.js').Server, RtServer>} */
    this.cards = new Map()
    this.editing = false
    this.rebuild = () => this.build()
    this.follow = () => {
      if (this.editing !== view.editing) this.build()
    }
  }

  connectedCallback() {
    fleet.addEventListener('servers', this.rebuild)
    view.addEventListener('change', this.follow)
    this.build()
  }

  disconnectedCallback() {
    fleet.removeEventListener('servers', this.rebuild)
    view.removeEventListener('change', this.follow)
  }

  build() {
    this.editing = view.editing
    /** @type {Map<import('../server.js').Server, RtServer>} */
    const cards = new Map()
    const { columns } = store.config
    const nodes = columns.map((column, index) => {
      const own = column.servers.flatMap((config) => {
        const server = fleet.servers.get(config.id)
        if (!server) return []
        const card = this.cards.get(server) ?? new RtServer()
        card.server = server
        cards.set(server, card)
        return [card]
      })
      return h('section', { class: 'column', 'aria-label': column.name || t('column', { n: String(index + 1) }) },
        view.editing ? columnTools(index, columns.length, column.name) : column.name ? h('h2', {}, column.name) : null,
        ...own)
    })
    this.cards = cards
    const empty = fleet.servers.size === 0
    this.style.setProperty('--columns', String(columns.length))
    this.replaceChildren(...nodes, ...(empty && !view.editing ? [welcome()] : []))
  }
}

/** Nothing is watched yet: what to do. */
function welcome() {
  return h('section', { class: 'empty' }, h('h2', {}, t('empty.title')), h('p', {}, t('empty.text')),
    h('button', { type: 'button', class: 'button primary', onclick: () => openServerDialog(null) }, t('edit.addServer')))
}

customElements.define('rt-board', RtBoard)
