// What the page costs: node cost.js [servers=20] [processors=64] [seconds=60]. Prints the share of one core that the page's
// renderer and its main thread used, long tasks, and the heap, over the given time with all strips in view and full.

import { readdirSync, readFileSync } from 'node:fs'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { backfill, MACHINE } from './lib/backfill.js'
import { configFile, launch, open, until } from './lib/browser.js'
import { fakeServer } from './lib/fake-server.js'

/** Processor seconds of the main threads and of the whole of all renderers below this process, from /proc: wall time would
 * count what else the machine does. */
function renderers() {
  let [main, whole] = [0, 0]
  const read = (path) => { try { return readFileSync(path, 'utf8') } catch { return '' } }
  const seconds = (stat) => { const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); return stat ? (Number(fields[11]) + Number(fields[12])) / 100 : 0 }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (!read(`/proc/${pid}/cmdline`).includes('--type=renderer')) continue
    let parent = pid
    while (Number(parent) > 1 && Number(parent) !== process.pid) parent = read(`/proc/${parent}/stat`).replace(/^.*\) \S /s, '').split(' ')[0]
    if (Number(parent) !== process.pid) continue
    main += seconds(read(`/proc/${pid}/task/${pid}/stat`))
    whole += seconds(read(`/proc/${pid}/stat`))
  }
  return { main, whole }
}

/** Processor milliseconds of every task of the renderers' main threads: unlike long tasks, which are wall time, they do not
 * grow with what else the machine does. @param {import('playwright-core').Browser} browser */
async function traced(browser, seconds) {
  const session = await browser.newBrowserCDPSession()
  const events = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value.filter(({ name }) => name === 'RunTask' || name === 'thread_name')))
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] } })
  await new Promise((done) => setTimeout(done, seconds * 1000))
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done))
  await session.send('Tracing.end')
  await complete
  const main = new Set(events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid}/${tid}`))
  return events.filter(({ name, tdur, pid, tid }) => name === 'RunTask' && tdur && main.has(`${pid}/${tid}`)).map(({ tdur }) => tdur / 1000)
}

if (!isMainThread) {
  const [, , servers = '20', processors = '64'] = process.argv
  const columns = Array.from({ length: 5 }, (_, c) => Array.from({ length: Math.ceil(Number(servers) / 5) }, (_, s) => ({ id: `s${c}-${s}`, host: '', interval: 0.5 })))
  const server = await fakeServer({ machine: { cpus: Number(processors) }, files: { ...configFile(columns), ...MACHINE } })
  parentPort.postMessage(server.url)
} else {
  const seconds = Number(process.argv[4] ?? 60)
  const url = await new Promise((found) => new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) }).on('message', found))
  const browser = await launch()
  const page = await open(browser, { viewport: { width: 2560, height: 2400 } })
  const session = await page.context().newCDPSession(page)
  await page.goto(`${url}monitoring.html`)
  await until(page, () => { const all = [...document.querySelectorAll('rt-server')]; return all.length && all.every((card) => card.server.history.count > 3) })
  await backfill(page)
  await page.waitForTimeout(10_000)
  await session.send('Performance.enable')
  const measure = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const all = Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    return { at: performance.now() / 1000, ...renderers(), script: all.ScriptDuration, layout: all.LayoutDuration + all.RecalcStyleDuration, heap: usedSize / 1e6, pushes: await page.evaluate(() => [...document.querySelectorAll('rt-server')].reduce((sum, card) => sum + card.server.history.count, 0)) }
  }
  await page.evaluate(() => {
    window.long_ = []
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => window.long_.push(Math.round(duration)))).observe({ type: 'longtask' })
  })
  const before = await measure()
  const heaps = []
  let now = before
  for (let step = 0; step < 6; step++) {
    await page.waitForTimeout((seconds / 6) * 1000)
    now = await measure()
    heaps.push(now.heap.toFixed(1))
  }
  const share = (key) => `${(((now[key] - before[key]) / (now.at - before.at)) * 100).toFixed(1)} %`
  const long = await page.evaluate(() => window.long_)
  console.log(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}; ${((now.pushes - before.pushes) / (now.at - before.at)).toFixed(1)} pushes/s`)
  console.log(`renderer's main thread ${share('main')} of one core, the whole renderer ${share('whole')} (of it, in wall time: script ${share('script')}, style and layout ${share('layout')}); long tasks: ${long.length ? `${long.length}, longest ${Math.max(...long)} ms` : 'none'}; heap after collection: ${before.heap.toFixed(1)}, ${heaps.join(', ')} MB`)
  const tasks = await traced(browser, Math.min(30, seconds))
  console.log(`by processor time, of ${tasks.length} tasks in ${Math.min(30, seconds)} s: over 50 ms ${tasks.filter((spent) => spent > 50).length}, longest ${Math.max(0, ...tasks).toFixed(1)} ms`)
  await browser.close()
  process.exit(0)
}
