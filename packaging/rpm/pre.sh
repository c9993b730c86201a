# rpm makes the user from sysusers.d by itself since 4.19; older ones need this.
if command -v systemd-sysusers >/dev/null 2>&1; then
    echo 'u rtstat - "rtstat statistics server" - -' | systemd-sysusers --replace=/usr/lib/sysusers.d/rtstat.conf - || :
fi
