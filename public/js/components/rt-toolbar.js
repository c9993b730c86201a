// The bar above everything: filter, fleet, freeze and scrub, theme, menu.

import { h, iconButton, setIconButton, setText } from '../dom.js'
import { clock, span } from '../format.js'
import { WINDOW } from '../history.js'
import { t } from '../i18n.js'
import { forget } from '../palette.js'
import { store } from '../store.js'
import { view } from '../view.js'
import { openConfigDialog } from './rt-config-dialog.js'
import './rt-fleet.js'

const THEMES = ['system', 'light', 'dark']
/** How far back one can scrub, in milliseconds. */
const BACK = 4 * WINDOW

class RtToolbar extends HTMLElement {
  connectedCallback() {
    this.filter = h('input', { type: 'search', placeholder: t('filter'), 'aria-label': t('filter'), oninput: () => view.setFilter(this.filter?.value ?? '') })
    this.freeze = iconButton('pause', t('freeze'), () => (view.frozen === null ? view.freeze() : view.thaw()), { 'aria-keyshortcuts': 'f' })
    this.theme = iconButton('theme', t('theme'), () => {
      const next = THEMES[(THEMES.indexOf(view.taste.theme) + 1) % THEMES.length] ?? 'system'
      view.setTaste({ theme: next })
    })
    this.menu = menu()
    this.slider = h('input', { type: 'range', min: -BACK / 1000, max: 0, value: 0, step: 1, 'aria-label': t('scrub'), oninput: () => view.scrub(view.frozenAt + Number(this.slider?.value) * 1000) })
    this.instant = h('output', { class: 'instant' })
    this.live = h('button', { type: 'button', class: 'button primary', onclick: () => view.thaw() }, t('goLive'))
    this.scrubber = h('div', { class: 'scrubber', hidden: true }, h('b', {}, t('state.frozen')), this.slider, this.instant, this.live)
    this.editor = h('div', { class: 'editor', hidden: true }, h('b', {}, t('edit.on')),
      h('button', { type: 'button', class: 'button', onclick: () => store.edit((config) => void config.columns.push({ name: '', servers: [] })) }, t('edit.addColumn')),
      h('button', { type: 'button', class: 'button', onclick: () => store.undo() }, t('edit.undo')),
      h('button', { type: 'button', class: 'button primary', onclick: () => view.setEditing(false) }, t('edit.done')))
    this.append(h('div', { class: 'bar' }, h('h1', {}, 'rtstat'), this.filter, h('rt-fleet' /** @type {never} */), h('div', { class: 'bar-tools' }, this.freeze, this.theme, this.menu)), this.scrubber, this.editor)
    const follow = () => this.follow()
    view.addEventListener('change', follow)
    view.addEventListener('time', follow)
    document.addEventListener('keydown', (event) => this.key(event))
    follow()
  }

  follow() {
    const frozen = view.frozen !== null
    if (this.freeze) {
      setIconButton(this.freeze, frozen ? 'play' : 'pause', t(frozen ? 'goLive' : 'freeze'))
      this.freeze.setAttribute('aria-pressed', String(frozen))
    }
    if (this.scrubber) this.scrubber.hidden = !frozen
    if (this.editor) this.editor.hidden = !view.editing
    if (this.theme) setIconButton(this.theme, 'theme', `${t('theme')}: ${t(`theme.${view.taste.theme}`)}`)
    if (view.frozen !== null && this.slider && this.instant) {
      this.slider.value = String(Math.round((view.frozen - view.frozenAt) / 1000))
      setText(this.instant, `${clock(view.cursor ?? view.frozen)} · ${t('ago', { span: span((Date.now() - (view.cursor ?? view.frozen)) / 1000) })}`)
    }
    const root = document.documentElement
    if (root.dataset.theme !== view.taste.theme) {
      root.dataset.theme = view.taste.theme
      recolour()
    }
    root.toggleAttribute('data-compact', view.taste.compact)
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target)
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
    if (target.matches('input, textarea, select')) {
      if (event.key === 'Escape' && target === this.filter) {
        this.filter.value = ''
        view.setFilter('')
      }
      return
    }
    if (event.key === '/') this.filter?.focus()
    else if (event.key === 'f') view.frozen === null ? view.freeze() : view.thaw()
    else if (event.key === 'e') view.setEditing(!view.editing)
    else if (event.key === 'c') openConfigDialog()
    else return
    event.preventDefault()
  }
}

/** Colours are taken anew and every card painted again. */
function recolour() {
  forget()
  for (const card of document.querySelectorAll('rt-server')) card.recolour()
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour)

/** A list of the rarer things, in the browser's own disclosure. */
function menu() {
  const shut = () => details.removeAttribute('open')
  const item = (/** @type {string} */ label, /** @type {() => void} */ act) => h('button', { type: 'button', onclick: () => {
    shut()
    act()
  } }, label)
  /**
   * @param {string} label
   * @param {boolean} on
   * @param {(on: boolean) => void} act
   */
  const check = (label, on, act) => {
    const box = h('input', { type: 'checkbox', checked: on, onchange: () => act(box.checked) })
    return h('label', { class: 'check' }, box, label)
  }
  const details = h('details', { class: 'menu', onkeydown: (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape') return
    shut()
    details.querySelector('summary')?.focus()
  }, onfocusout: (/** @type {FocusEvent} */ event) => {
    if (event.relatedTarget instanceof Node && !details.contains(event.relatedTarget)) shut()
  } }, h('summary', { class: 'icon-button', 'aria-label': t('menu'), title: t('menu') }),
  h('div', { class: 'menu-list' },
    item(t('menu.edit'), () => view.setEditing(!view.editing)),
    item(t('menu.config'), openConfigDialog),
    check(t('menu.compact'), view.taste.compact, (compact) => view.setTaste({ compact })),
    check(t('menu.notify'), view.taste.notify, async (notify) => {
      if (notify && 'Notification' in window && Notification.permission === 'default') await Notification.requestPermission()
      view.setTaste({ notify })
    }),
    h('a', { href: 'client.html' }, t('menu.console')),
    h('p', { class: 'muted' }, t('menu.keys'))))
  document.addEventListener('pointerdown', (event) => event.target instanceof Node && !details.contains(event.target) && shut())
  return details
}

customElements.define('rt-toolbar', RtToolbar)
