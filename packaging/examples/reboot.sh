#!/bin/sh
# How many packages wait for a reboot of this machine (Debian, Ubuntu); 1 where nobody says which.
n=0
[ -e /run/reboot-required ] && n=1
[ -e /run/reboot-required.pkgs ] && n=$(wc -l < /run/reboot-required.pkgs)
echo "{\"value\": $n}"
