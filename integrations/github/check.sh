#!/usr/bin/env bash
# The action's one step: its inputs as words of `millrace check`. Everything else is the program's own work.
set -uo pipefail
words=(check --contract "$MILLRACE_CONTRACT" --out "$MILLRACE_FINDINGS")

# Each line of $2 as a word after $1; without $1, as it is.
add_lines() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [ -n "$line" ] && words+=(${1:+"$1"} "$line")
  done <<<"$2"
}

add_lines --data "$MILLRACE_DATA"
add_lines --ref "$MILLRACE_REF"
[ -n "$MILLRACE_JUNIT" ] && words+=(--junit "$MILLRACE_JUNIT")
[ -n "$MILLRACE_SARIF" ] && words+=(--sarif "$MILLRACE_SARIF")
add_lines "" "$MILLRACE_OPTIONS"

"$MILLRACE_PROGRAM" "${words[@]}"
status=$?
printf 'status=%s\n' "$status" >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$status"
