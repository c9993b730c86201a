# What the %systemd_postun_with_restart macro says, for the service only: its sockets stay open during an upgrade.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload >/dev/null 2>&1 || :
    if [ "$1" -ge 1 ]; then
        if [ -x /usr/lib/systemd/systemd-update-helper ]; then
            /usr/lib/systemd/systemd-update-helper mark-restart-system-units rtstat.service || :
        else
            systemctl try-restart rtstat.service >/dev/null 2>&1 || :
        fi
    fi
fi
# The package owns no folder; those that are empty now go with it.
if [ "$1" -eq 0 ]; then
    find /usr/share/rtstat /usr/share/doc/rtstat /usr/share/licenses/rtstat /etc/rtstat -depth -type d -empty -delete \
        2>/dev/null || :
fi
