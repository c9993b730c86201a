// Programs that the page meets in the field, each started for one test and ended with it.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './browser.js'
import { PUBLIC } from './fake-server.js'

/** Starts a program and waits until its output holds what is looked for. @param {RegExp|(() => Promise<boolean>)} ready */
async function start(command, args, ready) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [log, lost] = ['', '']
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { log += chunk })
  child.on('error', (error) => { lost = `${command}: ${error.message}; tests/frontend/run installs what is needed` })
  const gone = new Promise((done) => child.on('exit', (code) => done(lost ||= `${command} ended with ${code}: ${log}`)))
  await eventually(async () => {
    if (lost) throw new Error(lost)
    return ready instanceof RegExp ? ready.test(log) : ready()
  })
  return { found: ready instanceof RegExp ? ready.exec(log) : null, end: () => {
    child.kill('SIGTERM')
    return gone
  } }
}

/** The program, on a port of the kernel's choice unless `listen` says otherwise. @param {string[]} options */
export async function rtstatd(options = [], listen = 'ws://127.0.0.1:0') {
  const { found, end } = await start(process.env.RTSTATD ?? '', ['-v', 'server', '--listen', listen, ...options], listen.includes('unix') ? /listening|serving/i : /127\.0\.0\.1:([1-9]\d*)/)
  return { host: `127.0.0.1:${found?.[1]}`, url: `http://127.0.0.1:${found?.[1]}/`, end }
}

/** A plain static host, without headers and without a WebSocket: the one that the page itself advises. Another name than
 * that of the servers, since a page of the same name is admitted whatever its port. */
export async function staticHost(folder = PUBLIC) {
  const { found, end } = await start('python3', ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, '0'], /port ([1-9]\d*)/)
  return { origin: `http://localhost:${found?.[1]}`, end }
}

/** The packaged snippet in an nginx of its own, in front of the program's Unix socket. @param {string} socket */
export async function nginx(socket) {
  const folder = mkdtempSync(join(tmpdir(), 'rtstat-nginx-'))
  const shipped = readFileSync(new URL('../../../packaging/nginx/rtstat.conf', import.meta.url), 'utf8')
  const port = await freePort()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')
  writeFileSync(join(folder, 'snippet'), shipped.replace('/run/rtstat.sock', socket).replace('/usr/share/rtstat/public/', PUBLIC))
  writeFileSync(join(folder, 'conf'), `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn;
events {}
http { access_log off; include /etc/nginx/mime.types; ${paths}
server { listen 127.0.0.1:${port}; include ${folder}/snippet; } }
`)
  const { end } = await start('nginx', ['-p', folder, '-e', 'stderr', '-c', join(folder, 'conf')], () => new Promise((done) => {
    const probe = connect(port, '127.0.0.1', () => {
      probe.destroy()
      done(true)
    }).on('error', () => done(false))
  }))
  return { url: `http://127.0.0.1:${port}/rtstat/`, async end() {
    await end()
    rmSync(folder, { recursive: true })
  } }
}

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => done(port))
  })
})
