# Sourced by the entry points: runs one long command quietly, shows that it is alive, and keeps what it said.
#
#   step "Building" build/release.log ninja -C build/release
#
# On a terminal one line counts the seconds and shows the command's latest word; elsewhere a line is printed
# when it has taken more than two seconds, and every half minute. On failure the end of the log is shown.
# Ctrl-C ends the command too.

step_pid=
step_interrupted() {
  trap - INT TERM
  if [ -n "$step_pid" ]; then kill -TERM "$step_pid" 2>/dev/null; wait "$step_pid" 2>/dev/null; fi
  exit 130
}

# The last non-empty piece of a log, cut to what is left of the terminal's line.
step_word() {
  tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 |
    sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | cut -c "1-${2}"
}

step() {
  local title=$1 log=$2 began=$SECONDS announced= status room elapsed
  shift 2
  mkdir -p "$(dirname "$log")"
  trap step_interrupted INT TERM
  "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  # The first looks come quickly, so that what is done at once does not cost a second.
  local wait_for=0.05
  while kill -0 "$step_pid" 2>/dev/null; do
    sleep "$wait_for"
    elapsed=$((SECONDS - began))
    if [ "$elapsed" -ge 1 ]; then wait_for=0.5; fi
    if [ "$elapsed" -lt 2 ]; then continue; fi
    if [ -t 1 ]; then
      room=$(( $(tput cols 2>/dev/null || echo 80) - ${#title} - 14 ))
      printf '\r\033[K  %s … %d s  %s' "$title" "$elapsed" "$(step_word "$log" $((room > 10 ? room : 10)))"
    elif [ "$elapsed" -ge "$((${announced:-2}))" ]; then
      printf '  %s … %d s\n' "$title" "$elapsed"
      announced=$((elapsed + 30))
    fi
  done
  wait "$step_pid"
  status=$?
  step_pid=
  trap - INT TERM
  elapsed=$((SECONDS - began))
  if [ -t 1 ]; then printf '\r\033[K'; fi
  if [ "$status" -ne 0 ]; then
    printf '  %s: failed after %d s (exit %d). The end of %s:\n' "$title" "$elapsed" "$status" "$log" >&2
    tail -n 40 "$log" >&2
    return "$status"
  fi
  if [ "$elapsed" -ge 2 ]; then printf '  %s: done in %d s\n' "$title" "$elapsed"; fi
}
