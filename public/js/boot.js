// Runs first, and not as a module: the names that the default configuration calls, and its errors.

(() => {
  const FILE = 'monitoring-default-config.js'
  const monitoring = {
    faults: /** @type {string[]} */ ([]),
    defaultConfig: undefined,
    init(config) {
      monitoring.defaultConfig = config
    },
  }
  Object.assign(globalThis, { RtStat: { Monitoring: monitoring } })

  // Captured: an error of loading does not bubble.
  window.addEventListener('error', ({ target, filename, lineno, message }) => {
    if (target instanceof HTMLScriptElement) {
      if (target.src.endsWith(FILE)) monitoring.faults.push(`${FILE}: not found`)
    } else if (String(filename).includes(FILE)) {
      monitoring.faults.push(`${FILE}:${lineno}: ${message}`)
    }
  }, true)
})()
