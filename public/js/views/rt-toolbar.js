// The bar above everything, and what edit mode and a frozen page need.

import { button, checkbox, h, iconButton, setIconButton } from '../dom/h.js'
import { LiveElement, setText } from '../dom/update.js'
import { readPalette } from '../elements/strip_painter.js'
import { store } from '../model/store.js'
import { view } from '../model/view.js'
import { clock, span } from '../text/format.js'
import { t } from '../text/i18n.js'

function menu(label, items, others) {
  const buttons = items.map(({ label: text, act }) => h('button.item', {
    onclick: () => {
      list.hidePopover()
      act()
    },
  }, text))
  const list = h('div.menu-list', { popover: true, id: 'menu' }, buttons, others)
  return [iconButton('menu', label, () => {}, { popovertarget: list.id }), list]
}

const THEMES = {
  system: 'Theme: as the system',
  light: 'Theme: light',
  dark: 'Theme: dark',
}

/** Wishes `rt-edit-config`. */
export class RtToolbar extends LiveElement {
  #fleet
  #filter = h('input', {
    type: 'search',
    placeholder: t('Filter servers'),
    'aria-label': t('Filter servers'),
    oninput: () => view.filterBy(this.#filter.value),
  })
  #freeze = iconButton('pause', t('Freeze (F)'), () => view.toggleFreeze())
  #theme = iconButton('theme', '', nextTheme)
  #slider = h('input', {
    type: 'range',
    min: -1200,
    max: 0,
    'aria-label': t('scrub'),
    oninput: () => view.scrub(Number(this.#slider.value)),
  })
  #instant = h('output.instant')
  #scrubber = h(
    'div.strip-bar',
    h('b', t('Frozen')),
    this.#slider,
    this.#instant,
    button(t('Go live'), () => view.toggleFreeze(), 'primary'),
  )
  #editor = h(
    'div.strip-bar',
    h('b', t('Editing')),
    button(t('Add column'), () => store.edit(({ columns }) => {
      columns.push({ name: '', servers: [] })
    })),
    button(t('Undo'), () => store.undo()),
    button(t('Done'), () => view.toggleEditing(), 'primary'),
  )

  /** @param {HTMLElement} fleet */
  constructor(fleet) {
    super()
    this.#fleet = fleet
  }

  enter() {
    this.append(h(
      'header',
      h(
        'div.bar',
        h('h1', 'rtstat'),
        this.#filter,
        this.#fleet,
        h('div.bar-tools', this.#freeze, this.#theme, this.#menu()),
      ),
      this.#scrubber,
      this.#editor,
    ))
    this.on(view, 'change time', () => this.#update())
    this.on(matchMedia('(prefers-color-scheme: dark)'), 'change', repaint)
    this.on(document, 'keydown', (event) => this.#key(event))
    this.#update()
  }

  #menu() {
    const { compact, notify } = view.preferences
    const items = [
      { label: t('Edit layout'), act: () => view.toggleEditing() },
      { label: t('Configuration'), act: () => this.wish('rt-edit-config') },
    ]
    return menu(t('Menu'), items, [
      checkbox(t('Strips only'), compact, (wanted) => view.prefer({ compact: wanted })).node,
      checkbox(t('Notify me of alarms'), notify, preferNotifications).node,
      h('a.item', { href: 'client.html' }, t('Protocol console')),
      h('p.muted', t('keys')),
    ])
  }

  #key(event) {
    const { key, target } = event
    const isModified = event.ctrlKey || event.metaKey || event.altKey
    if (isModified || document.querySelector('dialog[open]')) return
    if (key === 'Escape' && target === this.#filter) {
      this.#filter.value = ''
      view.filterBy('')
    }
    if (target.matches('input, select')) return
    const act = {
      '/': () => this.#filter.focus(),
      f: () => view.toggleFreeze(),
      e: () => view.toggleEditing(),
      c: () => this.wish('rt-edit-config'),
    }[key]
    if (!act) return
    event.preventDefault()
    act()
  }

  #update() {
    const { frozen, editing, preferences: { theme, compact } } = view
    const isFrozen = frozen !== null
    setIconButton(this.#freeze, isFrozen ? 'play' : 'pause', t(isFrozen ? 'Go live' : 'Freeze (F)'))
    setIconButton(this.#theme, 'theme', t(THEMES[theme]))
    this.#scrubber.hidden = !isFrozen
    this.#editor.hidden = !editing
    if (isFrozen) this.#showInstant(frozen)
    document.documentElement.toggleAttribute('data-compact', compact)
    useTheme(theme)
  }

  #showInstant(frozen) {
    const shown = view.cursor ?? frozen
    const ago = t('{span} ago', { span: span((Date.now() - shown) / 1000) })
    this.#slider.value = String(Math.round((frozen - view.frozenAt) / 1000))
    setText(this.#instant, `${clock(shown)} · ${ago}`)
  }
}

function nextTheme() {
  const names = Object.keys(THEMES)
  const next = (names.indexOf(view.preferences.theme) + 1) % names.length
  view.prefer({ theme: names[next] })
}

function useTheme(theme) {
  const root = document.documentElement
  if (root.dataset.theme === theme) return
  root.dataset.theme = theme
  repaint()
}

// Pictures do not follow the style sheet by themselves.
function repaint() {
  readPalette()
  view.announce('time')
}

async function preferNotifications(wanted) {
  // Only a click may ask for it.
  if (wanted && globalThis.Notification?.permission === 'default') {
    await Notification.requestPermission()
  }
  view.prefer({ notify: wanted })
}

customElements.define('rt-toolbar', RtToolbar)
