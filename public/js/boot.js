// Runs before the default configuration, as a classic script like it: gives it the names of the original's page to call or
// to set, and catches its errors with their lines.
(function () {
  'use strict'
  var boot = { config: undefined, faults: [] }
  window.RtStat = window.RtStat || {}
  window.RtStat.Monitoring = {
    boot: boot,
    init: function (config) { boot.config = config },
    set defaultConfig(config) { boot.config = config },
    get defaultConfig() { return boot.config },
  }
  window.addEventListener('error', function (event) {
    if (event.target instanceof HTMLScriptElement) {
      if (/default-config\.js$/.test(event.target.src)) boot.faults.push('monitoring-default-config.js: not found')
    } else if (/default-config\.js/.test(event.filename || '')) {
      boot.faults.push('monitoring-default-config.js:' + event.lineno + ': ' + event.message)
    }
  }, true)
}())
