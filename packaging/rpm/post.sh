# The operator's copy is the one that is served.
ln -sfn /etc/rtstat/monitoring-default-config.js /usr/share/rtstat/public/monitoring-default-config.js || :
# What the %systemd_post macro says. Presets decide; those of Fedora and its kin enable nothing by themselves.
if [ "$1" -eq 1 ]; then
    if [ -x /usr/lib/systemd/systemd-update-helper ]; then
        /usr/lib/systemd/systemd-update-helper install-system-units rtstat.service rtstat.socket rtstat-raw.socket || :
    else
        systemctl --no-reload preset rtstat.service rtstat.socket rtstat-raw.socket >/dev/null 2>&1 || :
    fi
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload >/dev/null 2>&1 || :
fi
