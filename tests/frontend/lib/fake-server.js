// A scripted rtstat server for the tests: serves public/ over HTTP and speaks the protocol over WebSocket on one port of
// the kernel's choice, well or badly as the script says.

import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { decode } from '../../../public/js/model/protocol.js'
import { machine } from './machine.js'

export const PUBLIC = fileURLToPath(new URL('../../../public/', import.meta.url))
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' }
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; base-uri 'none'; form-action 'none'"

/** As the server writes an argument. */
const escape = (text) => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/:(?=:)/g, '\\:')
/** As the original writes one: it takes backslashes away where it should double them. */
const escapeAsOriginal = (text) => text.replace(/\\\\/g, '\\').replace(/\n/g, '\\n').replace(/::/g, '\\::')
/** What the original says of an interval that it refuses, by what PHP makes of the argument. */
const intervalFault = (given) => {
  const needed = 'Interval command has 1 required parameter: int interval'
  if (!given) return `${needed} (not set)`
  if (!Number(given) || !/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(given)) return `${needed} (not positive float)`
  return Number(given) < 0.5 ? 'Interval command has must be equal or greater than 0.5' : ''
}

/**
 * @param {object} script
 * @param {string} [script.token] asked for when given
 * @param {boolean} [script.legacy] the original's server: four keys, neither `info` nor `plugins`, its own words and escaping
 * @param {string} [script.refuse] said instead of a greeting, before the close
 * @param {number} [script.refuseCode]
 * @param {object} [script.machine] options of the scripted machine
 * @param {(session: number) => object} [script.vary] more of them, by session
 * @param {(push: object, n: number) => unknown} [script.change] changes a push, or gives raw text to send, or several at once
 * @param {boolean} [script.silent] accepts `start` and sends nothing
 * @param {number} [script.pace] milliseconds between pushes whatever the interval
 * @param {Record<string, string>} [script.files] paths served instead of those in public/
 * @param {string} [script.prefix] sub-path under which all is served
 */
export async function fakeServer(script = {}) {
  const server = { script, sessions: new Set(), commands: [], errors: [], paths: [], pushes: 0, connections: 0 }
  const http = createServer((request, response) => serve(server, request, response))
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  sockets.on('error', () => {})
  sockets.on('connection', (socket, request) => converse(server, socket, request))
  await new Promise((done) => http.listen(0, '127.0.0.1', done))
  const { port } = http.address()
  return Object.assign(server, {
    port,
    url: `http://127.0.0.1:${port}${script.prefix ?? ''}/`,
    host: `127.0.0.1:${port}`,
    /** Ends every session with a code, as a restart does. */
    drop(code = 1001) { for (const one of server.sessions) one.socket.close(code) },
    kill() { for (const one of server.sessions) one.socket.terminate() },
    async close() {
      for (const one of sockets.clients) one.terminate()
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  })
}

function serve({ script, paths }, request, response) {
  const path = decodeURIComponent(new URL(request.url, 'http://x').pathname)
  paths.push(path)
  const inside = path.startsWith(script.prefix ?? '') ? path.slice((script.prefix ?? '').length) : '/404.html'
  const wanted = inside === '/' ? '/index.html' : inside
  response.setHeader('Content-Security-Policy', CSP)
  response.setHeader('Cache-Control', 'no-store')
  if (script.files && Object.hasOwn(script.files, wanted)) {
    response.setHeader('Content-Type', TYPES[extname(wanted)] ?? 'text/plain')
    response.end(script.files[wanted])
    return
  }
  const file = join(PUBLIC, normalize(wanted))
  const found = file.startsWith(PUBLIC) && existsSync(file)
  response.writeHead(found ? 200 : 404, { 'Content-Type': TYPES[extname(file)] ?? 'text/html' })
  // A page that goes away in the middle is no fault of the test.
  createReadStream(found ? file : join(PUBLIC, '404.html')).on('error', () => response.destroy()).pipe(response.on('error', () => {}))
}

function converse(server, socket, request) {
  const { script } = server
  server.connections++
  const say = (name, text) => socket.readyState === socket.OPEN && socket.send(`${name}::${script.legacy ? escapeAsOriginal(text) : escape(text)}\n`)
  const session = { socket, path: request.url, authorized: !script.token, interval: 0, timer: null, n: 0, plugins: null, machine: machine({ legacy: script.legacy, ...script.machine, ...script.vary?.(server.connections - 1) }) }
  if (script.refuse) {
    say('Error', script.refuse)
    socket.close(script.refuseCode ?? 1013)
    return
  }
  server.sessions.add(session)
  say('Welcome', `Rt-Stat v.${script.legacy ? '0.3.1' : '1.0.0'}`)
  const push = () => {
    const n = session.n++
    const full = session.machine.push(n, session.interval)
    const chosen = session.plugins ? Object.fromEntries(Object.entries(full).filter(([key]) => session.plugins.includes(key) || key.startsWith('_'))) : session.machine.standard(full)
    const changed = script.change ? script.change(chosen, n, server) : chosen
    if (changed === undefined || changed === null) return
    server.pushes++
    if (typeof changed === 'string') socket.send(changed)
    else if (Array.isArray(changed)) for (const one of changed) socket.send(one)
    else say('Push', JSON.stringify(changed))
  }
  const restart = () => {
    clearInterval(session.timer)
    if (session.started && !script.silent) session.timer = setInterval(push, script.pace ?? session.interval * 1000)
  }
  const commands = {
    version: () => say('Version', script.legacy ? '0.3.1' : '1.0.0'),
    auth: ([token]) => {
      if (!token) return say('Error', 'Auth command has 1 required parameter: string token (not set)')
      session.authorized = !script.token || token === script.token
      if (!script.token || !session.authorized) say('Error', 'Auth failed')
    },
    interval: ([seconds]) => {
      const fault = intervalFault(seconds)
      if (fault) return say('Error', fault)
      session.interval = Number(seconds)
      if (session.started) restart()
    },
    start: () => {
      if (!session.interval) return say('Error', 'Interval is not set')
      if (session.started) return say('Error', 'Already started')
      session.started = true
      restart()
    },
    stop: () => {
      if (!session.started) return say('Error', 'Not started')
      session.started = false
      clearInterval(session.timer)
    },
    info: () => say('Info', JSON.stringify(session.machine.info())),
    plugins: ([list]) => { session.plugins = list ? list.split(',') : null },
    quit: () => socket.close(1000),
    exit: () => socket.close(1000),
  }
  socket.on('message', (data) => {
    const { name, args } = decode(data.toString())
    server.commands.push(data.toString())
    const known = Object.hasOwn(commands, name) && !(script.legacy && ['info', 'plugins'].includes(name))
    if (!known) say('Error', 'Unknown command')
    else if (!session.authorized && !['version', 'auth', 'quit', 'exit'].includes(name)) say('Error', 'Not authorized')
    else commands[name](args)
  })
  socket.on('close', () => {
    clearInterval(session.timer)
    server.sessions.delete(session)
  })
  socket.on('error', () => {})
}
