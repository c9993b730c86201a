// One place that draws: whoever has something new asks for a turn, and gets it once in the next animation frame. A hidden
// tab has no frames, so it draws nothing and catches up at once.

/** What one frame may cost, in milliseconds; the rest waits for the next. */
const BUDGET = 12

/** @type {Set<() => void>} */
const waiting = new Set()
let asked = 0

/** @param {() => void} draw the same function asks only once a frame */
export function request(draw) {
  waiting.add(draw)
  if (!asked) asked = requestAnimationFrame(flush)
}

/** @param {() => void} draw */
export function cancel(draw) {
  waiting.delete(draw)
}

function flush() {
  asked = 0
  const until = performance.now() + BUDGET
  for (const draw of waiting) {
    waiting.delete(draw)
    try {
      draw()
    } catch (error) {
      reportError(error)
    }
    if (performance.now() > until) break
  }
  if (waiting.size && !asked) asked = requestAnimationFrame(flush)
}

/** @type {Set<() => void>} */
const beats = new Set()
let timer = 0

/**
 * Calls back once a second, for what changes by time alone (seconds since, seconds until).
 * @param {() => void} beat
 * @returns {() => void} ends it
 */
export function everySecond(beat) {
  beats.add(beat)
  timer ||= window.setInterval(() => beats.forEach((one) => one()), 1000)
  return () => beats.delete(beat)
}
