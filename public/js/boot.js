// Gives the default configuration, a classic script too, the original's names, and catches its errors with their lines.
(() => {
	'use strict'
	const file = 'monitoring-default-config.js'
	const boot = { config: undefined, faults: /** @type {string[]} */ ([]) }
	globalThis.RtStat = { Monitoring: {
		boot,
		init(config) { boot.config = config },
		set defaultConfig(config) { boot.config = config },
		get defaultConfig() { return boot.config },
	} }
	window.addEventListener('error', ({ target, filename, lineno, message }) => {
		if (target instanceof HTMLScriptElement && target.src.endsWith(file)) boot.faults.push(`${file}: not found`)
		else if (String(filename).includes(file)) boot.faults.push(`${file}:${lineno}: ${message}`)
	}, true)
})()
