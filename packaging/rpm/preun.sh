# What the %systemd_preun macro says. The sockets first, or a connection in between would start the service again.
if [ "$1" -eq 0 ]; then
    if [ -x /usr/lib/systemd/systemd-update-helper ]; then
        /usr/lib/systemd/systemd-update-helper remove-system-units rtstat-raw.socket rtstat.socket rtstat.service || :
    elif [ -d /run/systemd/system ]; then
        systemctl --no-reload disable --now rtstat-raw.socket rtstat.socket rtstat.service >/dev/null 2>&1 || :
    else
        systemctl --no-reload disable rtstat-raw.socket rtstat.socket rtstat.service >/dev/null 2>&1 || :
    fi
    rm -f /usr/share/rtstat/public/monitoring-default-config.js || :
fi
