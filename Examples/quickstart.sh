#!/bin/bash
# Builds Martlet and runs the order example on the embedded broker: no server is needed.
#
#   Examples/quickstart.sh [OPTIONS OF THE EXAMPLE]
#
# On Debian and Ubuntu missing libraries are installed with apt (and sudo, unless you are root).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(pkg-config libsqlite3-dev libhiredis-dev librabbitmq-dev)

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }

fail() {
  printf 'quickstart: %s\n' "$@" >&2
  exit 1
}

if ! command -v swift >/dev/null; then
  fail "Swift is missing; Martlet needs 6.3 or later. Get it with swiftly, as https://www.swift.org/install shows," \
    "or run this in the container swift:6.3-bookworm."
fi
version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | grep -oE '[0-9]+\.[0-9]+') || true
if [ "$(printf '%s\n' 6.3 "${version:-0}" | sort -V | head -n 1)" != 6.3 ]; then
  fail "Swift ${version:-of an unknown version} is too old; Martlet needs 6.3 or later: swiftly install 6.3"
fi

if command -v dpkg-query >/dev/null; then
  missing=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    root=()
    if [ "$(id -u)" != 0 ]; then
      command -v sudo >/dev/null || fail "as root, run: apt-get install ${missing[*]}"
      root=(sudo)
    fi
    say "Installing ${missing[*]}"
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
      fail "apt could not install ${missing[*]}"
  fi
else
  say "This is not Debian: if the build misses a library, install SQLite, hiredis and librabbitmq with their headers."
fi

say "Building: a few minutes the first time"
swift build -c release --package-path Examples --product orders

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
say "A shop's day through four functions: validate, price, revenue or cancel, and a summary"
"$(swift build -c release --package-path Examples --show-bin-path)/orders" \
  --broker "embedded:$data/shop.db" --pace 250 "$@"
