// The default configuration’s names; its errors are caught with their lines.
(() => {
	const file = 'monitoring-default-config.js'
	const monitoring = {
		faults: /** @type {string[]} */ ([]), defaultConfig: undefined,
		init(config) {monitoring.defaultConfig = config},
	}
	globalThis.RtStat = {Monitoring: monitoring}
	window.addEventListener('error', ({target, filename, lineno, message}) => {
		if (target instanceof HTMLScriptElement && target.src.endsWith(file)) monitoring.faults.push(`${file}: not found`)
		else if (String(filename).includes(file)) monitoring.faults.push(`${file}:${lineno}: ${message}`)
	}, true)
})()
