// All columns with their cards; cards of servers that stay keep their elements.

import { button, LiveElement, h } from '../dom.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { view } from '../view.js'
import { columnTools, openServerDialog } from './editor.js'
import { RtServer } from './rt-server.js'

class RtBoard extends LiveElement {
	cards = /** @type {Map<import('../server.js').Server, RtServer>} */ (new Map())
	editing = false

	enter() {
		this.on(store, 'servers', () => this.build())
		this.on(view, 'change', () => this.editing !== view.editing && this.build())
		this.build()
	}

	build() {
		this.editing = view.editing
		const hand = /** @type {HTMLButtonElement|null} */ (this.querySelector('button:focus'))
		const { columns } = store.config
		this.cards = new Map(store.list.map((server) => [server, this.cards.get(server) ?? new RtServer(server)]))
		this.replaceChildren(...columns.map(({ name, servers }, index) => h('section.column', { 'aria-label': name || t('Column {n}', { n: index + 1 }) },
			view.editing ? columnTools(index, columns.length, name) : name && h('h2', name),
			servers.map(({ id }) => this.cards.get(/** @type {any} */ (store.servers.get(id)))))))
		if (!this.cards.size && !view.editing) this.append(h('section.empty', h('h2', t('No servers yet')), h('p', t('empty')), button(t('Add server'), () => openServerDialog(null), 'primary')))
		if (hand) this.give(hand)
	}

	/** What was moved or built anew has lost the focus; the hand stays on the same button, or on one beside it. @param {HTMLButtonElement} hand */
	give(hand) {
		const same = hand.isConnected ? hand : [...this.querySelectorAll('button')].find(({ ariaLabel }) => ariaLabel && ariaLabel === hand.ariaLabel)
		const near = same?.disabled ? same.parentElement?.querySelector('button:enabled') : same ?? this.querySelector('.edit-tools button:enabled')
		if (near instanceof HTMLElement) near.focus()
	}
}

customElements.define('rt-board', RtBoard)
