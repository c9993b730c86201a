# shellcheck shell=bash
# Sourced by the commands that install, build and test: what they do, since when, and an end to each.

# One line, with the minutes and seconds since the command was started.
say() { printf '[%2d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

heartbeat() {
  local sleeping
  # What would be left of the sleep holds the caller's pipe open.
  trap 'kill "$sleeping"; exit' TERM
  while :; do
    sleep 60 &
    sleeping=$!
    wait "$sleeping"
    kill -0 $$ 2>/dev/null || exit
    say "$1: goes on"
  done
}

beat=
# step WHAT COMMAND…: for what may be silent for long. A line at its begin, one a minute, one at its end.
step() {
  local what=$1 begin=$SECONDS status=0
  shift
  say "$what"
  heartbeat "$what" &
  beat=$!
  "$@" || status=$?
  kill "$beat" 2>/dev/null
  wait "$beat" 2>/dev/null
  beat=
  if [ "$status" = 0 ]; then
    say "$what: done in $((SECONDS - begin)) s"
  else
    say "$what: status $status after $((SECONDS - begin)) s"
  fi
  return "$status"
}

# bounded SECONDS COMMAND…: ends it, and all that it has started, when the time is up. A shell ignores SIGINT in what
# it starts beside itself, which the tests must not inherit.
running=
bounded() {
  local limit=$1 status=0
  shift
  env --default-signal timeout --kill-after=30 "$limit" "$@" </dev/null &
  running=$!
  wait "$running" || status=$?
  running=
  [ "$status" != 124 ] || say "$1: ended, as $limit s are over"
  return "$status"
}
# The command's own group is not that of the terminal: it is told.
trap 'kill $running $beat 2>/dev/null; exit 130' INT TERM HUP

# apt_install PACKAGE…: as root on Debian; otherwise says what is needed.
apt_install() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "needs $* (on Debian as root they are installed by themselves)" >&2
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  step "apt-get update" bounded 600 apt-get update -qq &&
    step "apt-get install $*" bounded 1800 apt-get install -y -qq --no-install-recommends "$@"
}

# Where cargo builds, by its configuration and environment, as an absolute path.
target_directory() {
  cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
