// The files of the page, and what they may weigh.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PUBLIC } from './fake-server.js'

/** Paths of all files in public/. */
export const assets = readdirSync(PUBLIC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, path, name }) => join(parentPath ?? path, name).slice(PUBLIC.length))

/** The text of one of them. @param {string} path */
export const source = (path) => readFileSync(join(PUBLIC, path), 'utf8')

/** Bytes as a browser gets them, each file compressed by itself. What the source weighs is free. */
const MOST = { all: 80_000, scripts: 60_000 }

/**
 * What is too much; empty when all is well.
 * @param {(path: string) => number | Promise<number>} weigh the compressed bytes of a file
 */
export async function overweight(weigh) {
  const weights = []
  for (const path of assets) weights.push({ path, bytes: await weigh(path) })
  const sum = (all) => all.reduce((total, { bytes }) => total + bytes, 0)
  const scripts = weights.filter(({ path }) => path.endsWith('.js'))
  const found = { all: sum(weights), scripts: sum(scripts) }
  console.log(`# compressed: ${found.all} bytes, ${found.scripts} of them scripts`)
  return Object.keys(MOST).filter((kind) => found[kind] > MOST[kind])
    .map((kind) => `${kind}: ${found[kind]} bytes`)
}
