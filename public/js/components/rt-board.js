// Columns with their cards; a server that stays keeps its card.

import {button, LiveElement, h} from '../dom.js'
import {t} from '../i18n.js'
import {store} from '../store.js'
import {view} from '../view.js'
import {columnTools, openServerDialog} from './editor.js'
import {RtServer} from './rt-server.js'

class RtBoard extends LiveElement {
	cards = new Map()
	editing = false

	enter() {
		this.on(store, 'servers', () => this.build())
		this.on(view, 'change', () => this.editing !== view.editing && this.build())
		this.build()
	}

	build() {
		this.editing = view.editing
		const {activeElement: hand} = document
		const [had, place] = [this.contains(hand), this.tools().indexOf(hand)]
		const {columns} = store.config
		this.cards = new Map(store.list.map(server => [server, this.cards.get(server) ?? new RtServer(server)]))
		this.replaceChildren(...columns.map(({name, servers}, index) => h('section.column', {'aria-label': name || t('Column {n}', {n: index + 1})},
			view.editing ? columnTools(index, columns.length, name) : name && h('h2', name),
			servers.map(({id}) => this.cards.get(store.servers.get(id))))))
		if (!this.cards.size && !view.editing) this.append(h('section.empty', h('h2', t('No servers yet')), h('p', t('empty')), button(t('Add server'), () => openServerDialog(null), 'primary')))
		if (had) this.give(hand, place)
	}

	tools() {
		return /** @type {any[]} */ ([...this.querySelectorAll('.edit-tools > *')])
	}

	/** What was built anew has lost the focus: back to the same tool, or to the one in its place. */
	give(hand, place) {
		const all = this.tools()
		const same = hand.isConnected ? hand : all.find(({ariaLabel}) => ariaLabel && ariaLabel === hand.ariaLabel) ?? all[Math.min(place, all.length - 1)]
		const near = same?.disabled ? same.parentElement.querySelector('button:enabled') : same
		near?.focus()
	}
}

customElements.define('rt-board', RtBoard)
