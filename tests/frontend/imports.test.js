// Who may import whom in public/js. A folder imports only from those that stand before it in this
// list, so that a module can be read and tested without what is built on it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PUBLIC = fileURLToPath(new URL('../../public/', import.meta.url))

/** Each folder, and the folders from which it may import. */
const FOLDERS = {
  /** Numbers and words. */
  text: [],
  /** The configuration, and what the browser keeps. */
  config: [],
  /** Servers and their figures: no element. */
  model: ['text', 'config'],
  /** Making and changing elements: no server. */
  dom: [],
  /** Parts of views, one a file. */
  elements: ['text', 'config', 'model', 'dom'],
  /** What opens in a card. */
  sections: ['text', 'config', 'model', 'dom', 'elements'],
  /** What the page is made of. */
  views: ['text', 'config', 'model', 'dom', 'elements', 'sections'],
  /** The entries, which bring the views together. */
  '.': ['text', 'config', 'model', 'dom', 'elements', 'sections', 'views'],
}

/** Folders whose modules do not import one another; the list of the sections knows them all. */
const APART = ['sections', 'views', '.']
const LISTS = ['sections/list.js']

const modules = readdirSync(join(PUBLIC, 'js'), { recursive: true }).map(String)
  .filter((path) => path.endsWith('.js'))
const source = (path) => readFileSync(join(PUBLIC, 'js', path), 'utf8')
const IMPORT = /^(?:import|export)\b[^'"]*?from '([^']+)'/gms
const EXPORT = /^export (?:async )?(?:const|function|class) (\w+)/gm
const PRELOAD = /<link rel=modulepreload href=js\/(\S+?)>/g
const importsOf = (path) => [...source(path).matchAll(IMPORT)]
  .map(([, from]) => posix.join(posix.dirname(path), from))

test('imports: every module stands in a folder of the list, and none climbs', () => {
  for (const path of modules) {
    const folder = posix.dirname(path)
    assert.ok(folder in FOLDERS, path)
    for (const from of importsOf(path)) {
      assert.ok(modules.includes(from), `${path}: ${from} is no module`)
      const other = posix.dirname(from)
      if (other === folder) {
        const apart = APART.includes(folder) && !LISTS.includes(path)
        assert.ok(!apart, `${path}: ${from} is its neighbour`)
      } else assert.ok(FOLDERS[folder].includes(other), `${path}: ${from} stands above it`)
    }
  }
})

test('imports: no two modules need each other, however far around', () => {
  const done = new Set()
  const visit = (path, above) => {
    assert.ok(!above.includes(path), `${[...above, path].join(' → ')}`)
    if (done.has(path)) return
    for (const from of importsOf(path)) visit(from, [...above, path])
    done.add(path)
  }
  for (const path of modules) visit(path, [])
})

test('imports: the model and the texts know no element', () => {
  const allowed = modules.filter((path) => /^(text|config|model)\//.test(path))
  assert.ok(allowed.length > 10)
  for (const path of allowed) {
    assert.doesNotMatch(source(path), /\bdocument\.|HTMLElement|customElements/, path)
  }
})

test('imports: the page names every module that it will need, and no other', () => {
  const needed = new Set()
  const visit = (path) => importsOf(path).forEach((from) => {
    if (needed.has(from)) return
    needed.add(from)
    visit(from)
  })
  visit('main.js')
  const page = readFileSync(join(PUBLIC, 'monitoring.html'), 'utf8')
  const named = [...page.matchAll(PRELOAD)].map(([, path]) => path)
  assert.deepEqual(named, [...needed].sort())
  // Whatever is neither needed nor an entry is served for nothing.
  const entries = ['boot.js', 'console.js', 'main.js']
  assert.deepEqual(modules.filter((path) => !needed.has(path)).sort(), entries)
})

test('imports: what is exported is used', () => {
  const tests = readdirSync(new URL('.', import.meta.url), { recursive: true }).map(String)
    .filter((path) => /^(lib\/)?[\w-]+\.(test\.)?js$/.test(path))
    .map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'))
  const named = [...modules.map(source), ...tests]
    .flatMap((text) => [...text.matchAll(/^import \{([^}]*)\}/gm)].map(([, names]) => names))
    .join().split(',').map((name) => name.trim())
  for (const path of modules) {
    for (const [, name] of source(path).matchAll(EXPORT)) {
      assert.ok(named.includes(name), `${path}: nobody imports ${name}`)
    }
  }
})

test('modules: lines of at most 100 characters, but for the texts', () => {
  for (const path of modules) {
    const [code, table = '', rest = ''] = source(path).split(/^(const TABLE = `[^`]*`)$/m)
    assert.ok(!table || path === 'text/i18n.js', path)
    for (const line of `${code}${rest}`.split('\n')) {
      assert.ok(line.length <= 100, `${path}: ${line}`)
    }
  }
})
