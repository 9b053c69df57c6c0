#!/bin/bash
# Builds the image and sees three workers share a consumer group, each in a container of its own: one is killed, one
# joins, one is stopped gently. The result must be that of a single process, to the byte. With docker, else podman.
#
#   docker/check.sh            starts a Redis container of its own
#   MARTLET_BROKER=redis://HOST:PORT docker/check.sh     uses that broker; the containers have the host's network
#
# BUILDER, RUNTIME and REDIS_IMAGE name other images than the Dockerfile and this script do.
# Exit code: 0 if all is well, 1 if not, 69 if there is neither docker nor podman.
set -euo pipefail
cd "$(dirname "$0")/.."

if docker info >/dev/null 2>&1; then
  engine=(docker) limits=()
elif command -v podman >/dev/null; then
  # crun and podman's usual limits fail where the limits cannot be raised.
  engine=(podman) limits=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
  ! command -v runc >/dev/null || engine+=(--runtime runc)
else
  echo "check.sh: neither docker nor podman runs here" >&2
  exit 69
fi

image=martlet-telemetry
group=martlet-check-$$
work=$(mktemp -d)
containers=()
fail() {
  echo "check.sh: $*" >&2
  exit 1
}
finish() {
  [ ${#containers[@]} = 0 ] || "${engine[@]}" rm -f "${containers[@]}" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

# run NAME ARGUMENT...: starts a container in the background.
run() {
  local name=$group-$1
  containers+=("$name")
  shift
  "${engine[@]}" run -d --name "$name" --network host "${limits[@]}" "$@" >/dev/null
}
# telemetry NAME ARGUMENT...: without rights, and with a root that is read only. The health check is run by hand below:
# podman needs systemd for it.
telemetry() {
  local name=$1
  shift
  run "$name" --no-healthcheck --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    -e MARTLET_BROKER "$image" "$@"
}
worker() { telemetry "$1" --worker --health-file /tmp/health; }
logs() { "${engine[@]}" logs "$group-$1" 2>"$work/$1.err"; }
# How many events a worker has committed, as it says four times a second.
events() { logs "$1" | grep -o '"events":[0-9]*' | tail -n 1 | cut -d: -f2; }
# until SECONDS WHAT COMMAND...: waits until the command succeeds.
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if [ $SECONDS -ge $end ]; then
      for name in "${containers[@]}"; do
        echo "--- $name"
        "${engine[@]}" logs "$name" 2>&1 | tail -n 5
      done >&2
      fail "waited in vain: $what"
    fi
    sleep 0.3
  done
}
works() { [ "$(events "$1")" -gt "${2:-0}" ] 2>/dev/null; }
has_ended() { [ "$("${engine[@]}" inspect -f '{{.State.Running}}' "$group-$1")" = false ]; }

echo "== build"
arguments=()
for name in BUILDER RUNTIME; do [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}"); done
[ "${engine[0]}" = docker ] || arguments+=(--format docker)
"${engine[@]}" build --network host "${limits[@]}" "${arguments[@]}" -f docker/Dockerfile -t "$image" .

if [ -z "${MARTLET_BROKER:-}" ]; then
  port=$((12000 + RANDOM % 20000))
  run redis "${REDIS_IMAGE:-docker.io/library/redis:7.0}" redis-server --bind 127.0.0.1 --port "$port" \
    --appendonly yes
  export MARTLET_BROKER=redis://127.0.0.1:$port
fi

data=(--devices 60 --readings 1500 --seed 7)
echo "== one process"
"${engine[@]}" run --rm --network host "${limits[@]}" --read-only --tmpfs /tmp -e MARTLET_BROKER=embedded: "$image" \
  "${data[@]}" -o json >"$work/expected.json" 2>/dev/null

echo "== three workers"
for name in one two three; do worker $name; done
telemetry report --workers-elsewhere "${data[@]}" --pace 3000 -o json
for name in one two three; do until_true 60 "worker $name has its share" works $name; done
"${engine[@]}" exec "$group-one" telemetry --healthcheck --health-file /tmp/health || fail "a worker says that it is ill"

echo "== one is killed, one joins, one is stopped"
"${engine[@]}" kill -s KILL "$group-one" >/dev/null
worker four
until_true 60 "the worker that joined has its share" works four
"${engine[@]}" stop -t 60 "$group-two" >/dev/null
code=$("${engine[@]}" inspect -f '{{.State.ExitCode}}' "$group-two")
[ "$code" = 0 ] || fail "the worker that was stopped ended with exit code $code"
has_ended report && fail "all was done before the workers changed: nothing was seen"
before=$(events three)
until_true 60 "the others go on" works three "$before"

until_true 180 "the report" has_ended report
logs report >"$work/found.json"
cmp "$work/expected.json" "$work/found.json" || fail "the result differs from that of one process"
for name in one two three four; do echo "worker $name committed $(events $name) events"; done
echo "== the same result, $(wc -c <"$work/found.json") bytes"
