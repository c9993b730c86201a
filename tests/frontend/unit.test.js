// The pure modules, each by tables of cases; the wire by the vectors that the Rust codec reads too.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { checkConfig, ConfigError, parseConfig, serialise, socketUrl } from '../../public/js/config/config.js'
import { addSample, Alerts, cpusOf, memoryOf } from '../../public/js/model/figures.js'
import { CAPACITY, History } from '../../public/js/model/history.js'
import { decode, encode } from '../../public/js/model/protocol.js'
import { amount, at, finite, plainText, ratio, rowsOf, share, uptimeSeconds } from '../../public/js/model/values.js'
import { bytes, ceiling, count, digits, locale, NONE, percent, rate, scaled, span, steadyUnit, unitFor } from '../../public/js/text/format.js'
import { choose, TEXTS } from '../../public/js/text/i18n.js'
import { assets, overweight, source } from './lib/assets.js'
import { machine } from './lib/machine.js'

const vectors = JSON.parse(readFileSync(new URL('../vectors/protocol.json', import.meta.url), 'utf8'))

test('protocol: decodes every vector', () => {
  for (const { message, name, arguments: args } of vectors.decode) assert.deepEqual(decode(message), { name, args }, JSON.stringify(message))
})

test('protocol: encodes every vector, and reads it back', () => {
  for (const { name, arguments: args, wire } of vectors.encode) {
    assert.equal(`${encode(name, args)}\n`, wire)
    assert.deepEqual(decode(wire).args, args.length === 1 && args[0] === '' ? [] : args, wire)
  }
})

test('protocol: finds the JSON of every push', () => {
  for (const { json, wire } of vectors.push) {
    const { name, args } = decode(wire)
    assert.equal(name, 'push')
    assert.deepEqual(JSON.parse(args[0]), JSON.parse(json))
  }
})

test('protocol: what looks like an end or an escape again and again is read in one pass', () => {
  // A quadratic reading would take hours here.
  const run = 900_000
  for (const [filler, plain] of [[' ', ' '], ['\\n', '\n'], ['\\\\', '\\'], [':x', ':x']]) {
    const { args } = decode(`Push::a${filler.repeat(run)}b`)
    assert.equal(args.length, 1)
    assert.ok(args[0] === `a${plain.repeat(run)}b`)
  }
  assert.deepEqual(decode('Push::a\\').args, ['a'])
  assert.deepEqual(decode('Push::a\\:::b').args, ['a:', 'b'])
})

test('protocol: decode after encode is the identity for any arguments', () => {
  const alphabet = [':', '::', '\\', '\n', 'a', ' ', 'é', '😀', '\t']
  let seed = 7
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
  for (let round = 0; round < 3000; round++) {
    const args = Array.from({ length: 1 + random(3) }, () => `x${Array.from({ length: random(7) }, () => alphabet[random(alphabet.length)]).join('')}y`)
    assert.deepEqual(decode(encode('Name', args)), { name: 'name', args })
  }
})

test('config: keeps all that the seed shows, with its defaults', () => {
  const config = checkConfig({ columns: [{ servers: [{ id: 'a', name: 'Server A', host: 'localhost', interval: 1.5, autoStart: true, token: '' }] }, {}] })
  assert.equal(config.columns.length, 2)
  assert.deepEqual(config.columns[0].servers[0], { id: 'a', name: 'Server A', host: 'localhost', interval: 1.5, autoStart: true, token: '', thresholds: { cpu: 90, memory: 85, swap: 10, hold: 10 } })
})

test('config: reads the original’s first form', () => {
  const config = checkConfig({ cols: 2, servers: [{ id: 'a', host: 'localhost', col: 1 }, { id: 'b', host: 'h:9', interval: '0,5', col: 2 }] })
  assert.deepEqual(config.columns.map(({ servers }) => servers.map(({ id, interval }) => [id, interval])), [[['a', 1]], [['b', 0.5]]])
})

test('config: says where it is wrong', () => {
  const server = (extra) => ({ columns: [{ servers: [{ id: 'ok' }, { id: 'b', ...extra }] }] })
  const cases = [
    [[], '', 'an object'], [null, '', 'an object'], ['x', '', 'an object'], [{}, 'columns', 'a list'], [{ columns: {} }, 'columns', 'a list'],
    [{ columns: [1] }, 'columns[0]', 'an object'], [{ columns: [{ servers: 5 }] }, 'columns[0].servers', 'a list'], [{ version: 2, columns: [] }, 'version', '1'],
    [server({ id: 'ok' }), 'columns[0].servers[1].id', 'idTaken'], [server({ id: 'a b' }), 'columns[0].servers[1].id', 'letters, digits and _ - . ,'], [server({ id: undefined }), 'columns[0].servers[1].id', 'letters, digits and _ - . ,'],
    [server({ host: 'http://x' }), 'columns[0].servers[1].host', 'address'], [server({ host: 'x:99999' }), 'columns[0].servers[1].host', 'address'],
    [server({ interval: 0.4 }), 'columns[0].servers[1].interval', '{min} to {max}'], [server({ interval: 'x' }), 'columns[0].servers[1].interval', '{min} to {max}'], [server({ interval: Infinity }), 'columns[0].servers[1].interval', '{min} to {max}'],
    [server({ autoStart: 'yes' }), 'columns[0].servers[1].autoStart', 'true or false'], [server({ name: 5 }), 'columns[0].servers[1].name', 'a text of at most 200 characters'],
    [server({ thresholds: { cpu: 101 } }), 'columns[0].servers[1].thresholds.cpu', '{min} to {max}'], [server({ thresholds: { hold: -1 } }), 'columns[0].servers[1].thresholds.hold', '{min} to {max}'],
  ]
  for (const [value, where, key] of cases) {
    assert.throws(() => checkConfig(value), (error) => error instanceof ConfigError && error.where === where && (error.what || error.key) === key, `${JSON.stringify(value)} ${where} ${key}`)
  }
  const broken = [['{"columns": [\n  {"servers": [,]}\n]}', '2:16'], ['{"columns": [', '1:14'], ['', '1:1'], ['{a: 1}', '1:2'], ['{"a": 1,}', '1:9'], ['{"a" 1}', '1:6'], ['[1 2]', '1:4'], ['{"a": \'x\'}', '1:7'], ['[1]\n]', '2:1'], ['{]', '1:2'], ['{"a": "x\n"}', '1:7']]
  for (const [source, place] of broken) assert.throws(() => parseConfig(source), ({ key, values }) => key === 'notJson' && values.got === place, source)
})

test('config: writes what it reads, tokens only when asked', () => {
  const config = checkConfig({ columns: [{ name: 'Front', servers: [{ id: 'a,b.c-d_1', token: 'secret', thresholds: { cpu: 50 } }] }] })
  assert.deepEqual(parseConfig(serialise(config, true)), config)
  assert.ok(!serialise(config, false).includes('secret'))
})

test('config: a host stands for a URL', () => {
  const page = 'https://mon.example/rtstat/monitoring.html?x#y'
  const cases = [['', 'wss://mon.example/rtstat/ws'], ['localhost', 'ws://localhost:8000/'], ['WSS://h', 'wss://h:8000/'], ['h:81', 'ws://h:81/'], ['ws://h:81/a/b', 'ws://h:81/a/b'], ['[::1]', 'ws://[::1]:8000/'], ['wss://h/x?y=1', 'wss://h:8000/x?y=1']]
  for (const [host, url] of cases) assert.equal(socketUrl(host, page), url)
  assert.equal(socketUrl('', 'http://127.0.0.1:8000/monitoring.html'), 'ws://127.0.0.1:8000/ws')
  for (const host of ['http://h', 'h:0', 'h:65536', 'a b', 'ws://', 'h#x', 'javascript:alert(1)']) assert.equal(socketUrl(host, page), '', host)
})

test('history: holds the last samples and forgets the oldest', () => {
  const history = new History()
  for (let n = 0; n < CAPACITY + 10; n++) {
    history.push(n * 1000, 2)
    history.set('cpu', n)
    history.setCpu(1, 0.5)
    if (n % 2) history.set('odd', n)
  }
  assert.equal(history.length, CAPACITY)
  assert.equal(history.timeAt(0), 10_000)
  assert.equal(history.valueAt('cpu', history.length - 1), CAPACITY + 9)
  assert.ok(Number.isNaN(history.valueAt('odd', 0)))
  assert.equal(history.indexAt(9_999), -1)
  assert.equal(history.indexAt(10_000), 0)
  assert.equal(history.indexAt(12_500), 2)
  assert.equal(history.indexAt(Infinity), CAPACITY - 1)
  assert.equal(history.peak('cpu', 0, 5), 15)
  assert.deepEqual([...history.cpusAt(history.slot(3))], [255, 50])
  assert.ok(Number.isNaN(history.valueAt('cpu', -1)))
})

test('history: processors may come, a clock set back does not fold the axis, figures are bounded', () => {
  const history = new History()
  history.push(5000, 1)
  history.setCpu(0, 0.25)
  history.push(1000, 4)
  history.setCpu(3, 1)
  assert.deepEqual([0, 1].map((index) => history.timeAt(index)), [5000, 5000])
  assert.deepEqual([0, 1].map((index) => [...history.cpusAt(history.slot(index))]), [[25, 255, 255, 255], [255, 255, 255, 100]])
  for (let n = 0; n < 500; n++) history.set(`figure ${n}`, 1)
  assert.equal(history.series.size, 64)
  history.push(6000, 5000)
  assert.equal(history.cpuSlots, 1024)
})

test('alerts: shout after the hold, not before, and stop at once', () => {
  const alerts = new Alerts()
  const levels = { cpu: 90, memory: 85, swap: 10, hold: 10 }
  const step = (cpu, now) => [alerts.update({ cpu, memory: NaN, swap: 0 }, levels, now * 1000), alerts.level]
  assert.deepEqual(step(0.95, 0), [false, ''])
  assert.deepEqual(step(0.95, 9), [false, ''])
  assert.deepEqual(step(0.91, 10), [true, 'warning'])
  assert.deepEqual(step(0.99, 11), [true, 'critical'])
  assert.deepEqual(step(0.5, 12), [true, ''])
  assert.deepEqual(step(0.95, 13), [false, ''])
  assert.deepEqual(step(0.2, 14), [false, ''])
  assert.deepEqual(step(0.95, 30), [false, ''])
})

test('figures: one push of the scripted machine', () => {
  const history = new History()
  addSample(machine({ cpus: 64, swap: 0.3 }).push(3), history, 1000)
  for (const name of ['cpu', 'cpuWorst', 'memory', 'swap', 'load', 'rx', 'tx', 'read', 'write', 'busy', 'psi', 'temp', 'gpu', 'full', 'running', 'x:queue']) assert.ok(history.valueAt(name, 0) >= 0, name)
  assert.equal(history.cpuSlots, 64)
  assert.ok(Math.abs(history.valueAt('full', 0) - 0.93) < 0.001)
})

test('figures: the parts of a processor add up to its usage', () => {
  const cases = [
    [{ usage: 0.5, user: 0.2, system: 0.2, iowait: 0.1 }, [0.2, 0.2, 0, 0.1]],
    [{ usage: 0.5, user: 0.2, system: 0.3, iowait: 0.1 }, [0.2, 0.2, 0.1, 0]],
    [{ usage: 0, user: 0, system: 0, iowait: 0 }, [0, 0, 0, 0]],
    [{ usage: 1, user: 1, system: 0, iowait: 0.01 }, [1, 0, 0, 0]],
  ]
  for (const [cpu, expected] of cases) {
    const [{ user, system, irq, iowait }] = cpusOf({ cpu_stat: { cpu0: cpu } }, 8).cpus
    ;[user, system, irq, iowait].forEach((part, place) => assert.ok(Math.abs(part - expected[place]) < 1e-9, `${JSON.stringify(cpu)} ${[user, system, irq, iowait]}`))
  }
})

test('figures: memory is what programs hold, and no swap is no number', () => {
  const push = { meminfo: { memory: { total: 1000, used: 900, free: 100, buffers: 100, cached: 300, swapCached: 0 }, swap: { total: 0, used: 0, free: 0 } } }
  assert.equal(memoryOf(push).memory, 0.5)
  assert.ok(Number.isNaN(memoryOf(push).swap))
  assert.equal(memoryOf({ ...push, mem: { total: 1000, used: 250 } }).memory, 0.25)
})

test('figures: any rubbish is a sample without figures, never an exception', () => {
  const rubbish = [null, [], 'x', 5, 1e308, { a: null }, [[[]]], { value: {} }, { total: -5, used: 1e308 }, true]
  for (const one of rubbish) {
    const history = new History()
    const push = Object.fromEntries(['cpu_stat', 'meminfo', 'processes', 'uptime', 'cpu', 'mem', 'psi', 'disk', 'fs', 'net', 'sens', 'gpu', 'own', '__proto__', 'constructor'].map((key) => [key, one]))
    addSample(push, history, 1)
    addSample({ cpu_stat: { cpu0: one }, meminfo: { memory: one, swap: one }, net: { total: one }, psi: { cpu: one } }, history, 2)
    for (const [name, values] of history.series) assert.ok(Number.isNaN(values[0]) || Number.isFinite(values[0]), name)
  }
})

test('values: strangers’ numbers and texts', () => {
  for (const value of [NaN, Infinity, '5', null, undefined, {}, []]) assert.ok(Number.isNaN(finite(value)))
  assert.deepEqual([ratio(-1), ratio(2), ratio(0.3), amount(-3), amount(1e300), share(1, 0), share(5, 2)], [0, 1, 0.3, 0, NaN, NaN, 1])
  assert.equal(plainText('a\u202eb\u0000c\n'), 'a b c ')
  assert.equal(plainText('x'.repeat(500), 10), 'xxxxxxxxxx…')
  assert.equal(plainText({ toString: () => 'no' }), '')
  assert.equal(at(JSON.parse('{"__proto__": {"x": 1}}'), '__proto__', 'x'), 1)
  assert.equal(at({}, 'constructor'), undefined)
  assert.equal(at('abc', 'length'), undefined)
  assert.deepEqual(rowsOf({ a: 1, b: 2, c: 3 }, 2), { rows: [{ key: 'a', value: 1 }, { key: 'b', value: 2 }], total: 3 })
  assert.deepEqual(rowsOf(5), { rows: [], total: 0 })
})

test('values: the words of uptime', () => {
  const cases = [['19 min', 1140], ['4:05', 14700], [' 4:05', 14700], ['1 day, 22 min', 87720], ['3 days,  4:05', 273900], ['0 min', 0], ['', NaN], ['soon', NaN], [5, NaN]]
  for (const [words, seconds] of cases) assert.deepEqual(uptimeSeconds(words), seconds, words)
})

test('format: three digits at most, and units', () => {
  const cases = [[digits, 0, '0'], [digits, 0.1234, '0.12'], [digits, 9.876, '9.88'], [digits, 42.42, '42.4'], [digits, 99.97, '100'], [digits, NaN, NONE], [percent, 0, '0 %'], [percent, 0.004, '0.4 %'], [percent, 0.0996, '10 %'], [percent, 0.375, '38 %'], [percent, NaN, NONE],
    [bytes, 1024, '1.00 KiB'], [bytes, 16 * 1024 ** 3, '16 GiB'], [rate, 2_100_000, '2.10 MB/s'], [rate, 12, '12 B/s'], [rate, 0, '0 B/s'], [count, 12345, '12345'], [count, 1_240_000, '1.24 M'], [span, 42, '42 s'], [span, 125, '2 min 5 s'], [span, 7300, '2 h 1 min']]
  for (const [format, value, expected] of cases) assert.equal(format(value), expected)
  locale.decimal = ','
  assert.equal(digits(1.5), '1,50')
  locale.decimal = '.'
})

test('format: a unit does not flicker', () => {
  let unit = steadyUnit(undefined, 900_000, 'rate')
  assert.equal(unit.name, 'kB/s')
  unit = steadyUnit(unit, 1_200_000, 'rate')
  assert.equal(unit.name, 'MB/s')
  for (const peak of [999_000, 1_001_000, 300_000]) assert.equal((unit = steadyUnit(unit, peak, 'rate')).name, 'MB/s')
  assert.equal(steadyUnit(unit, 100_000, 'rate').name, 'kB/s')
  assert.equal(scaled(310_000, unit), '0.31 MB/s')
  assert.equal(unitFor(1e30, 'rate').name, 'PB/s')
  assert.deepEqual([0, 0.3, 1, 1.1, 7, 51, 1e9].map(ceiling), [1, 0.5, 1, 2, 10, 100, 1e9])
})

test('texts: both languages hold the same values, none is said twice, and every text in use is there', () => {
  const table = source('js/text/i18n.js').split('const TABLE = `')[1].split('`')[0].trim().split('\n')
  assert.equal(TEXTS.size, table.length)
  for (const [key, { en, ru }] of TEXTS) {
    const values = [en, ru].map((one) => [...one.matchAll(/\{\w+\}/g)].map(String).sort().join())
    assert.equal(values[0], values[1], key)
    assert.match(ru, /[а-яё]|[a-z]\b.*[а-яё]|true/i, key)
  }
  for (const path of assets.filter((name) => name.endsWith('.js'))) {
    for (const [, key] of source(path).matchAll(/\bt\('([^']+)'/g)) assert.ok(TEXTS.has(key), `${path}: ${key}`)
    for (const [, start] of source(path).matchAll(/\bt\(`([a-z.]+)\$\{/g)) assert.ok([...TEXTS.keys()].some((key) => key.startsWith(start)), `${path}: ${start}`)
  }
  assert.deepEqual([choose(['ru-RU', 'en']), choose(['de', 'en-GB']), choose([])], ['ru', 'en', 'en'])
})

test('assets: no inline code, no third party, no markup from strings', () => {
  for (const path of assets) {
    const content = source(path)
    assert.doesNotMatch(content, /innerHTML|insertAdjacentHTML|outerHTML|document\.write|\beval\(|new Function|srcdoc/, path)
    assert.doesNotMatch(content, /(src|href)=["']?(https?:)?\/\//, path)
    if (path.endsWith('.html')) {
      assert.doesNotMatch(content, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/, path)
      // What loads nothing may load nothing.
      const allowed = /<script|<link/.test(content) ? "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; base-uri 'none'; form-action 'none'" : "default-src 'none'"
      assert.ok(content.includes(`Content-Security-Policy" content="${allowed}"`), path)
    }
  }
})

test('assets: what a user pays, compressed, is bounded', async () => {
  assert.deepEqual(await overweight((path) => gzipSync(source(path), { level: 9 }).length), [])
})
