// What the page shows while a browser has no configuration of its own.
// RtStat.Monitoring.defaultConfig = {...} works too.
RtStat.Monitoring.init({
	columns: [ // as many as you like, with a name: '...' if you want
		{servers: [
			{
				id: 'this', // unique; letters, digits and _ - . ,
				name: 'This server',
				host: '', // ws://host:port/local-part, port 8000 by default; empty: where this page came from
				interval: 1, // seconds, 0.5 or more
				autoStart: true
				// token: '', // better typed in the page
				// thresholds: {cpu: 90, memory: 85, swap: 10, hold: 10} // percent; seconds before it is said
			}
		]}
	]
});
