# The operator's copy is the one that is served.
ln -sfn /etc/rtstat/monitoring-default-config.js /usr/share/rtstat/public/monitoring-default-config.js || :
# What the %systemd_post macro says: presets decide, and those of Fedora and its kin enable nothing by themselves. Without
# its helper nothing is enabled at all.
if [ "$1" -eq 1 ] && [ -x /usr/lib/systemd/systemd-update-helper ]; then
    /usr/lib/systemd/systemd-update-helper install-system-units rtstat.service rtstat.socket rtstat-raw.socket || :
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload >/dev/null 2>&1 || :
fi
