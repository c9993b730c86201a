// All columns with their cards; cards of servers that stay keep their elements.

import { button, h } from '../dom.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { view } from '../view.js'
import { columnTools, openServerDialog } from './editor.js'
import { RtServer } from './rt-server.js'

class RtBoard extends HTMLElement {
	constructor() {
		super()
		this.cards = /** @type {Map<import('../server.js').Server, RtServer>} */ (new Map())
		this.editing = false
		this.build = this.build.bind(this)
		this.follow = () => this.editing !== view.editing && this.build()
	}

	connectedCallback() {
		store.addEventListener('servers', this.build)
		view.addEventListener('change', this.follow)
		this.build()
	}

	disconnectedCallback() {
		store.removeEventListener('servers', this.build)
		view.removeEventListener('change', this.follow)
	}

	build() {
		this.editing = view.editing
		const cards = new Map()
		const { columns } = store.config
		const nodes = columns.map(({ name, servers }, index) => h('section', { class: 'column', 'aria-label': name || t('column', { n: index + 1 }) },
			view.editing ? columnTools(index, columns.length, name) : name && h('h2', {}, name),
			...servers.flatMap(({ id }) => {
				const server = store.servers.get(id)
				if (!server) return []
				cards.set(server, this.cards.get(server) ?? new RtServer(server))
				return cards.get(server)
			})))
		this.cards = cards
		if (!cards.size && !view.editing) {
			nodes.push(h('section', { class: 'empty' }, h('h2', {}, t('empty.title')), h('p', {}, t('empty.text')), button(t('edit.addServer'), () => openServerDialog(null), 'primary')))
		}
		this.replaceChildren(...nodes)
	}
}

customElements.define('rt-board', RtBoard)
