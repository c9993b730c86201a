// The servers that the page shows while a browser has no configuration of its own.
// Both forms work: RtStat.Monitoring.init({...}) and RtStat.Monitoring.defaultConfig = {...}
RtStat.Monitoring.init({
    columns: [ // side by side, as many as you like
        {
            // name: 'Front', // optional, shown above the column
            servers: [
                {
                    // unique; letters, digits and _ - . ,
                    id: 'this',
                    // shown on the card
                    name: 'This server',
                    // ws://host:port/local-part; ws://, port 8000 and / where left out; wss:// for TLS;
                    // empty: the server that this page came from
                    host: '',
                    // seconds between two pushes, 0.5 or more
                    interval: 1,
                    // connect as soon as the page is open
                    autoStart: true
                    // token: '', // where the server asks for one; better typed in the page than written here
                    // thresholds: {cpu: 90, memory: 85, swap: 10, hold: 10} // percent, and seconds above before it is said
                }
            ]
        }
    ]
});
