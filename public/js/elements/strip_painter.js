// Draws the strips of one card, pixel by pixel: as paths of a canvas they cost ten times as much.
// What was drawn is moved to the left, and only what is new is drawn.

import { WINDOW } from '../model/history.js'


const OPAQUE = 0xff000000
const HALF = 0x80000000
const FAINT = 0x38000000

const palette = {
  /** Grows with each change. */
  generation: 0,
  solid: { muted: 0, accent: 0, second: 0 },
  heat: new Uint32Array(101),
}

/** For all that is drawn from now on: a canvas does not follow the style sheet. */
export function readPalette() {
  palette.generation++
  const probe = document.body.appendChild(document.createElement('i'))
  const channels = (name) => {
    probe.style.color = `var(--${name})`
    return (getComputedStyle(probe).color.match(/\d+/g) ?? []).map(Number)
  }
  for (const name of Object.keys(palette.solid)) palette.solid[name] = pack(channels(name))
  const stops = [0, 1, 2, 3].map((stop) => channels(`heat-${stop}`))
  palette.heat.forEach((_, percent) => {
    const place = percent * 0.03
    const low = Math.min(Math.floor(place), 2)
    palette.heat[percent] = OPAQUE | pack(mix(stops[low], stops[low + 1], place - low))
  })
  probe.remove()
}

const mix = (from, to, share) => from.map((channel, place) => (
  channel + (to[place] - channel) * share
))

const pack = (channels) => channels.reduceRight((sum, channel) => (sum << 8) | channel, 0)

const HATCH = 6

export class StripPainter {
  #canvas
  #image = new ImageData(1, 1)
  #pixels = new Uint32Array(1)
  #wide = 1
  // What cannot be moved: when it is another, all is drawn anew.
  #look = ''
  // Of the last drawing: its right edge, in pixels from 1970 on, and its newest sample.
  #right = 0
  #newest = 0

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas
  }

  /** @param {Samples} history @param {Picture} picture */
  draw(history, { end, gap, width, height, rows }) {
    if (!palette.generation) readPalette()
    const scale = devicePixelRatio || 1
    const wide = Math.max(1, Math.round(width * scale))
    const high = Math.max(1, Math.round(height * scale))
    const right = Math.floor((end * wide) / WINDOW)
    const scales = rows.map(({ series, max, top }) => [series, max, top]).join(' ')
    const look = `${[wide, high, gap, palette.generation]} ${scales}`

    const oldest = history.count - history.length
    const to = history.indexAt(end)
    const next = this.#newest - oldest + 1
    const moved = right - this.#right
    const isKept = look === this.#look && moved >= 0 && moved < wide && next > 0 && next <= to + 1
    const from = isKept ? next : Math.max(0, history.indexAt(end - WINDOW))
    this.#look = look
    this.#right = right
    this.#newest = oldest + to

    const frame = { history, from, to, end, gap, scale, wide, high, right }
    this.#resize(wide, high)
    const clean = isKept ? Math.max(0, xOf(frame, history.timeAt(from - 1)) + 1) : 0
    if (isKept && moved) this.#pixels.copyWithin(0, moved)
    this.#clear(frame, clean)
    for (const row of rows) this.#drawRow(frame, row)
    this.#hatchGaps(frame)

    const changed = isKept && !moved ? Math.max(0, clean - 1) : 0
    this.#canvas.getContext('2d')
      ?.putImageData(this.#image, 0, 0, changed, 0, wide - changed, high)
  }

  #resize(wide, high) {
    this.#wide = wide
    if (this.#image.width === wide && this.#image.height === high) return
    this.#image = new ImageData(wide, high)
    this.#pixels = new Uint32Array(this.#image.data.buffer)
    this.#canvas.width = wide
    this.#canvas.height = high
  }

  #clear({ wide, high }, fromX) {
    for (let y = 0; y < high; y++) this.#pixels.fill(0, y * wide + fromX, (y + 1) * wide)
  }

  #drawRow(frame, row) {
    const top = Math.round(row.top * frame.scale)
    const tall = Math.round(row.height * frame.scale)
    if (row.scale === 'heat') this.#drawHeat(frame, top, tall)
    else row.series.forEach((name, place) => this.#drawLine(frame, row, { name, place, top, tall }))
  }

  #drawHeat(frame, top, tall) {
    const { cpus, cpuSlots } = frame.history
    eachStep(frame, null, (fromX, toX, _, slot) => {
      const first = firstX(fromX, toX)
      for (let y = 0; y < tall; y++) {
        const cpu = Math.floor((y * cpuSlots) / tall)
        const tone = palette.heat[cpus[slot * cpuSlots + cpu]] ?? 0
        for (let x = first; x <= toX; x++) this.#column(x, top + y, top + y, tone)
      }
    })
  }

  #drawLine(frame, row, { name, place, top, tall }) {
    const values = frame.history.series.get(name)
    if (!values) return
    const isFilled = place === 0
    const foot = top + tall - 1
    const ink = OPAQUE | palette.solid[isFilled ? 'accent' : 'second']
    const shade = FAINT | palette.solid.accent
    const thick = Math.round(frame.scale)
    const yOf = (slot) => {
      const share = Math.min(values[slot], row.max) / row.max
      return foot - Math.round(share * (tall - 1))
    }
    eachStep(frame, values, (fromX, toX, fromSlot, toSlot) => {
      const fromY = yOf(fromSlot)
      const toY = yOf(toSlot)
      let last = fromY
      for (let x = firstX(fromX, toX); x <= toX; x++) {
        const share = toX > fromX ? (x - fromX) / (toX - fromX) : 1
        const y = Math.round(fromY + (toY - fromY) * share)
        // From the height of the column before, so that a steep line has no holes.
        const low = Math.max(y, last) + thick
        if (isFilled) this.#column(x, low, foot, shade)
        this.#column(x, Math.min(y, last), low - 1, ink)
        last = y
      }
    })
  }

  // Where nothing came, no line must be taken for a figure.
  #hatchGaps(frame) {
    const { history, from, to, end, gap, high, right } = frame
    const ink = HALF | palette.solid.muted
    for (let index = Math.max(1, from); index <= to + 1; index++) {
      const before = history.timeAt(index - 1)
      const after = index <= to ? history.timeAt(index) : end
      if (after - before <= gap) continue
      const last = xOf(frame, after)
      for (let x = Math.max(0, xOf(frame, before) + 1); x <= last; x++) {
        // Counted from 1970 on, the lines stay where they are when the picture moves.
        this.#column(x, HATCH - 1 - ((x + right) % HATCH), high - 1, ink, HATCH)
      }
    }
  }

  #column(x, top, bottom, colour, step = 1) {
    const wide = this.#wide
    if (x < 0 || x >= wide) return
    const pixels = this.#pixels
    for (let y = top; y <= bottom; y += step) pixels[y * wide + x] = colour
  }
}

const xOf = ({ wide, right }, time) => Math.floor((time * wide) / WINDOW) - right + wide - 1

const firstX = (fromX, toX) => Math.max(0, Math.min(fromX + 1, toX))

// Goes from sample to sample. One that follows a gap stands alone.
function eachStep(frame, values, act) {
  const { history, from, to, gap } = frame
  const { times } = history
  for (let index = from; index <= to; index++) {
    const slot = history.slot(index)
    if (values && Number.isNaN(values[slot])) continue
    const x = xOf(frame, times[slot])
    const before = index && history.slot(index - 1)
    const isJoined = index > 0
      && times[slot] - times[before] <= gap
      && !(values && Number.isNaN(values[before]))
    if (isJoined) act(xOf(frame, times[before]), x, before, slot)
    else act(x - 1, x, slot, slot)
  }
}
