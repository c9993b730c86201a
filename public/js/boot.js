// The default configuration’s names; its errors are caught with their lines.
(() => {
	'use strict'
	const file = 'monitoring-default-config.js'
	const boot = /** @type {any} */ ({config: undefined, faults: []})
	globalThis.RtStat = {Monitoring: {
		boot,
		init(config) {boot.config = config},
		set defaultConfig(config) {boot.config = config},
		get defaultConfig() {return boot.config},
	}}
	window.addEventListener('error', ({target, filename, lineno, message}) => {
		if (target instanceof HTMLScriptElement && target.src.endsWith(file)) boot.faults.push(`${file}: not found`)
		else if (String(filename).includes(file)) boot.faults.push(`${file}:${lineno}: ${message}`)
	}, true)
})()
