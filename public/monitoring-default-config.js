// The servers that the page shows while a browser has no configuration of its own.
// Both forms work: RtStat.Monitoring.init({...}) and RtStat.Monitoring.defaultConfig = {...}
RtStat.Monitoring.init({
    columns: [ // side by side, as many as you like; with a name: 'Front' if you want
        {
            servers: [
                {
                    id: 'this', // unique; letters, digits and _ - . ,
                    name: 'This server',
                    // ws://host:port/local-part, ws:// and port 8000 by default, wss:// for TLS;
                    // empty: the server that this page came from
                    host: '',
                    interval: 1, // seconds, 0.5 or more
                    autoStart: true // connect as soon as the page is open
                    // token: '', // where the server asks for one; better typed in the page
                    // thresholds: {cpu: 90, memory: 85, swap: 10, hold: 10} // percent, and seconds before it is said
                }
            ]
        }
    ]
});
