# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rtstatd_global_optspecs
    string join \n q/quiet v/verbose config= h/help V/version
end

function __fish_rtstatd_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rtstatd_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rtstatd_using_subcommand
    set -l cmd (__fish_rtstatd_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rtstatd -n "__fish_rtstatd_needs_command" -l config -d 'Read this TOML file instead of /etc/rtstat/rtstat.toml' -r
complete -c rtstatd -n "__fish_rtstatd_needs_command" -s q -l quiet -d 'Log nothing at all'
complete -c rtstatd -n "__fish_rtstatd_needs_command" -s v -l verbose -d 'Log more: -v for debug, -vv for every step, -vvv for the libraries\' too'
complete -c rtstatd -n "__fish_rtstatd_needs_command" -s h -l help -d 'Print help'
complete -c rtstatd -n "__fish_rtstatd_needs_command" -s V -l version -d 'Print version'
complete -c rtstatd -n "__fish_rtstatd_needs_command" -f -a "server" -d 'Serve clients over WebSocket or raw TCP until told to stop'
complete -c rtstatd -n "__fish_rtstatd_needs_command" -f -a "sample" -d 'Write the push to standard output, one JSON object a line'
complete -c rtstatd -n "__fish_rtstatd_needs_command" -f -a "check-plugin" -d 'Run one plugin once and say what is wrong with it'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s i -l interface -d 'Address to listen on: IPv4, IPv6 or localhost [default: 0.0.0.0]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s p -l port -d 'Port to listen on, 1 to 65535 [default: 8000]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s a -l auth-token -d 'Token that clients must send. Every local user can read a command line: prefer --auth-token-file' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s c -l max-clients -d 'How many clients are served at a time, 0 = no limit [default: 10]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l listen -d 'Listen on URL, repeatable, instead of -i, -p and -w: ws://ADDR:PORT, raw://ADDR:PORT, wss://ADDR:PORT, raws://ADDR:PORT, ws+unix:PATH, raw+unix:PATH. IPv6 in brackets; port 0 lets the kernel choose' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l auth-token-file -d 'Read a token from this file, repeatable. Others may not be able to read it' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l public -d 'Serve the page from this folder instead of the built-in copy' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l exit-on-idle -d 'End with success after so many seconds without a connection, 0 = never [default: 0]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l user -d 'When started by root, become this user [default: rtstat, or nobody where that does not exist]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l allow-origin -d 'Let pages of this origin connect, repeatable: scheme://host or scheme://host:port, null, or * for all' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l allow-host -d 'Accept this name in the Host header, repeatable; * for all' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l tls-cert -d 'Certificate chain in PEM; with it -i and -p listen with TLS' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l tls-key -d 'Private key in PEM. Others may not be able to read it' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l trust-proxy -d 'Believe the client address that this proxy reports, repeatable: unix, an address or a network like 10.0.0.0/8' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l max-per-address -d 'How many connections one address may hold, 0 = no limit [default: 0]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l config -d 'Read this TOML file instead of /etc/rtstat/rtstat.toml' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s w -l web-sockets -d 'Speak WebSocket and serve the page, instead of raw TCP'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l check -d 'Check all settings, print what would run, open nothing'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -l metrics -d 'Serve /metrics for Prometheus on the WebSocket listeners'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s q -l quiet -d 'Log nothing at all'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s v -l verbose -d 'Log more: -v for debug, -vv for every step, -vvv for the libraries\' too'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand server" -s h -l help -d 'Print help'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -l plugins -d 'The keys to write, separated by commas [default: those of a new session]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -l interval -d 'Seconds between two objects, 0.05 to 86400; rates cover this time [default: 1]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -l count -d 'How many objects to write [default: 1, or no end when --interval is given]' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -l config -d 'Read this TOML file instead of /etc/rtstat/rtstat.toml' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -l pretty -d 'Indent the objects for reading'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -s q -l quiet -d 'Log nothing at all'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -s v -l verbose -d 'Log more: -v for debug, -vv for every step, -vvv for the libraries\' too'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand sample" -s h -l help -d 'Print help'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand check-plugin" -l config -d 'Read this TOML file instead of /etc/rtstat/rtstat.toml' -r
complete -c rtstatd -n "__fish_rtstatd_using_subcommand check-plugin" -s q -l quiet -d 'Log nothing at all'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand check-plugin" -s v -l verbose -d 'Log more: -v for debug, -vv for every step, -vvv for the libraries\' too'
complete -c rtstatd -n "__fish_rtstatd_using_subcommand check-plugin" -s h -l help -d 'Print help'
