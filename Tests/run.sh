#!/bin/bash
# Installs what the tests need, starts a Redis and a RabbitMQ of its own, and runs the tests. Stops both afterwards.
#
#   Tests/run.sh            the default, at most 15 minutes on two cores
#   Tests/run.sh --full     everything: more seeds, more repeats; its result is written to Tests/LastFullRun.md
#   Tests/run.sh --filter NAME   only the tests whose name matches
#
# All that a test stage prints is kept in .build/test-logs; here are only failures and sums.
#
# Exit code: 0 if all is well, 1 if a stage failed, 64 for an unknown option, 69 if Swift or a package cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."

packages=(pkg-config libsqlite3-dev libhiredis-dev librabbitmq-dev libsimdjson-dev redis-server rabbitmq-server python3 python3-pika python3-redis)
full='' filter=''
# Of the default run, in seconds.
longest=900

say() { printf '%s\n' "$*"; }
fail() {
  printf 'run.sh: %s\n' "$2" >&2
  exit "$1"
}

while [ $# -gt 0 ]; do
  case $1 in
  --full) full=1 ;;
  --filter)
    [ $# -ge 2 ] || fail 64 "--filter needs a name"
    filter=$2
    shift
    ;;
  -h | --help)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *) fail 64 "\"$1\" is not an option; there are --full and --filter NAME" ;;
  esac
  shift
done

command -v swift >/dev/null || fail 69 \
  "Swift is missing; Martlet needs 6.3 or later. Get it with swiftly, as https://www.swift.org/install shows."
version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | grep -oE '[0-9]+\.[0-9]+')
[ "$(printf '%s\n' 6.3 "${version:-0}" | sort -V | head -n 1)" = 6.3 ] ||
  fail 69 "Swift ${version:-of an unknown version} is too old; Martlet needs 6.3 or later: swiftly install 6.3"

work=$(mktemp -d)
mkfifo "$work/redis.in" "$work/redis.out" "$work/rabbitmq.in" "$work/rabbitmq.out"
# The servers end with their standard input; wait, so that nothing of them is left.
companion=''
finish() {
  local session
  [ -z "$companion" ] || kill "$companion" 2>/dev/null
  for session in "$work"/session.*; do
    [ ! -e "$session" ] || end_session "${session##*.}"
  done
  exec 7>&- 8>&-
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# stage NAME COMMAND...: runs it, prints how long it took, and remembers if it failed.
stage() {
  local name=$1 begin=$SECONDS result=ok line
  shift
  say "== $name"
  "$@" || { result=FAILED; : >"$work/failed"; }
  line=$(printf '%-22s %-6s %4d s' "$name" "$result" $((SECONDS - begin)))
  say "$line" >>"$work/summary"
  say "== $line"
  [ "$result" = ok ]
}
# beside FUNCTION FUNCTION: both at once; what the first says comes when the second has ended.
beside() {
  "$1" >"$work/$1.log" 2>&1 7>&- 8>&- &
  companion=$!
  "$2"
  wait "$companion"
  companion=''
  cat "$work/$1.log"
}

install() {
  local missing=() package root=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "as root, run: apt-get install ${missing[*]}"; return 1; }
    root=(sudo)
  fi
  # The packages would start servers of their own on the usual ports; the tests have theirs.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
    "${root[@]}" chmod +x /usr/sbin/policy-rc.d
    local policy=1
  fi
  "${root[@]}" apt-get update -q &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
  local status=$?
  [ -z "${policy:-}" ] || "${root[@]}" rm -f /usr/sbin/policy-rc.d
  return $status
}

free_port() {
  local candidate
  while :; do
    candidate=$((12000 + RANDOM % 8000))
    (: </dev/tcp/127.0.0.1/$candidate) 2>/dev/null || { echo $candidate; return; }
  done
}

# serve KIND DESCRIPTOR: starts a server whose life is that of the descriptor.
serve() {
  local kind=$1 port reply
  port=$(free_port)
  Tests/Support/server.sh "$kind" "$work/$kind" "$port" <"$work/$kind.in" >"$work/$kind.out" 7>&- 8>&- &
  if [ "$kind" = redis ]; then exec 7>"$work/redis.in"; else exec 8>"$work/rabbitmq.in"; fi
  if [ "$kind" = redis ]; then echo start >&7; else echo start >&8; fi
  read -r reply <"$work/$kind.out"
  [ "$reply" = ready ] || { say "$kind does not start: $reply"; return 1; }
  if [ "$kind" = redis ]; then
    export MARTLET_TEST_REDIS=redis://127.0.0.1:$port
  else
    export MARTLET_TEST_RABBITMQ=amqp://guest:guest@127.0.0.1:$port
  fi
}
servers() { serve redis && serve rabbitmq; }

lint() { swift format lint --strict --recursive --parallel Sources Tests Examples Package.swift; }
build() { swift build --build-tests && swift build -c release --package-path Examples; }

documentation() {
  swift package dump-symbol-graph --minimum-access-level public >"$work/symbols.log" 2>&1 ||
    { cat "$work/symbols.log"; return 1; }
  local graphs
  graphs=$(dirname "$(swift build --show-bin-path)")/symbolgraph
  mkdir -p "$work/graphs"
  cp "$graphs"/Martlet*.symbols.json "$work/graphs"
  rm -f "$work"/graphs/*Tests* "$work"/graphs/MartletBench* "$work"/graphs/MartletPackage*
  docc convert Sources/Martlet/Martlet.docc --additional-symbol-graph-dir "$work/graphs" \
    --fallback-display-name Martlet --fallback-bundle-identifier martlet --warnings-as-errors \
    --output-dir "$work/documentation" >"$work/docc.log" 2>&1 || { cat "$work/docc.log"; return 1; }
}

# end_session ID: whatever the leader of a session has left behind. A test process that hangs outlives "swift test".
end_session() {
  local file line fields
  for file in /proc/[0-9]*/stat; do
    { read -r line <"$file"; } 2>/dev/null || continue
    read -ra fields <<<"${line##*) }"
    if [ "${fields[3]}" = "$1" ]; then kill -KILL "${line%% *}" 2>/dev/null; fi
  done
}

# unfinished LOG: the tests that it says have started, and not that they have ended.
unfinished() {
  LC_ALL=C awk '
    / Test .* started\.$/ && !/ Test (run|case) / { sub(/^.* Test /, ""); sub(/ started\.$/, ""); open[$0]++ }
    / Test .* (passed|failed) after [0-9.]+ seconds/ {
      sub(/^[^ ]+ Test /, ""); sub(/( with [0-9]+ test cases?)? (passed|failed) after .*/, ""); open[$0]--
    }
    / Test .* skipped/ { sub(/^[^ ]+ Test /, ""); sub(/ skipped.*/, ""); delete open[$0] }
    END { for (name in open) if (open[name] > 0) print name }' "$1" | sort
}

# stacks SESSION: what the threads of its test processes do.
stacks() {
  local file line fields id
  for file in /proc/[0-9]*/stat; do
    { read -r line <"$file"; } 2>/dev/null || continue
    read -ra fields <<<"${line##*) }"
    id=${line%% *}
    [ "${fields[3]}" = "$1" ] && [[ $(readlink "/proc/$id/exe") == *.xctest ]] || continue
    say "the threads of process $id:"
    if command -v gdb >/dev/null; then
      timeout --kill-after=5 90 gdb -p "$id" -batch -ex 'set pagination off' -ex 'thread apply all bt 25' 2>/dev/null </dev/null |
        grep -aE '^(Thread |#)' | cut -c1-240
    else
      grep -H . "/proc/$id"/task/*/{comm,wchan} 2>/dev/null
    fi
  done
}

# end_in_time SESSION SECONDS LOG: ends a session that takes longer. The log then says where it was.
end_in_time() {
  local end=$((SECONDS + $2))
  while [ $SECONDS -lt $end ]; do
    sleep 1
    kill -0 "$1" 2>/dev/null || return 0
  done
  {
    say "it did not end within $2 s; of its tests these had not ended:"
    unfinished "$3"
    stacks "$1"
  } >"$work/late.$1"
  cat "$work/late.$1" >>"$3"
  end_session "$1"
}

# tests SECONDS ARGUMENTS...: "swift test", for at most so long, with its whole output in a log.
tests() {
  local limit=$1 log=.build/test-logs/${name// /-}.log status running
  shift
  mkdir -p .build/test-logs
  # In the background, and waited for, so that an interruption is heard at once. A session of its own, so that nothing
  # of it stays; without the servers' input, or they would live as long as what stays. Line by line, so that the log of
  # one that is killed says how far it came.
  # Two may run side by side: none of them builds.
  setsid nice -n "${niceness:-0}" stdbuf -oL -eL \
    swift test --skip-build --ignore-lock --disable-xctest "$@" </dev/null >"$log" 2>&1 7>&- 8>&- &
  running=$!
  : >"$work/session.$running"
  end_in_time "$running" "$limit" "$log" 7>&- 8>&- &
  wait "$running"
  status=$?
  end_session "$running"
  rm -f "$work/session.$running"
  if [ $status = 0 ] && [ ! -e "$work/late.$running" ]; then
    grep -a 'Test run with [1-9]' "$log"
    return
  fi
  grep -aE 'recorded an issue|↳|error:|Test run with|Fatal error' "$log" | grep -av '↳ Testing Library\|↳ Target' |
    cut -c1-800 | head -n 60
  if [ -e "$work/late.$running" ]; then
    # Its stacks are in the log.
    sed '/^the threads of/,$d' "$work/late.$running"
  else
    # It did not come to a sum: its last words say where it was.
    grep -aq 'Test run with' "$log" || { say "exit code $status; it ends with:"; tail -n 20 "$log" | cut -c1-300; }
  fi
  say "all that it said: $log"
  return 1
}

stage install install || fail 69 "a package cannot be installed"
stage build build || exit 1
stage servers servers || exit 1
[ -z "$full" ] || export MARTLET_TEST_FULL=1
# Real order days and sensor readings beside the checkout are used where they are.
[ ! -d ../shared/data/sensors ] || export MARTLET_TEST_SENSORS=${MARTLET_TEST_SENSORS:-$PWD/../shared/data/sensors}
[ ! -d ../shared/data/orders ] || export MARTLET_TEST_ORDERS=${MARTLET_TEST_ORDERS:-$PWD/../shared/data/orders}
conformance() {
  stage "conformance $1" tests 300 --filter "^ConformanceTests\.${1}ConformanceTests"
  stage "hubs $1" tests 300 --filter "^ConformanceTests\.${1}HubConformanceTests"
}
# These wait for their broker most of the time,
waiting_suites() {
  stage MartletRabbitMQ tests 300 --filter '^MartletRabbitMQTests\.'
  conformance RabbitMQ
  stage MartletRedis tests 300 --filter '^MartletRedisTests\.'
  conformance Redis
  # Whatever the others do not name.
  stage apps tests 300 --filter '^ConformanceTests\.' --skip 'HubConformanceTests|ConformanceTests\.StressTests' \
    --skip '^ConformanceTests\.(Embedded|Redis|RabbitMQ)ConformanceTests'
}
# and these compute.
working_suites() {
  local suite limit=300 niceness
  # Five times as many seeds.
  [ -z "$full" ] || limit=1800
  for suite in Architecture MartletCore MartletRuntime Simulation Martlet Orders MartletEmbedded MartletTestKit \
    MartletBench; do
    # Its time is its own, while what runs beside it is held to the clock.
    if [ "$suite" = Simulation ]; then niceness=10; else niceness=0; fi
    stage "$suite" tests "$limit" --filter "^${suite}Tests\."
  done
  conformance Embedded
}
faults() {
  if [ -z "$full" ]; then
    stage faults tests 900 --filter '^FaultTests\.'
    return
  fi
  # What takes seconds by default takes minutes here: not all of it at once.
  stage faults tests 1800 --filter '^FaultTests\.' --skip '^FaultTests\.(HubLedger|Repeat)Tests'
  stage "faults hubs" tests 1800 --filter '^FaultTests\.HubLedgerTests'
  stage "faults repeats" tests 1800 --filter '^FaultTests\.RepeatTests'
}
examples() { stage examples tests 3600 --filter '^ExamplesTests\.'; }

if [ -n "$filter" ]; then
  stage tests tests 3600 --filter "$filter"
else
  stage lint lint
  stage docs documentation
  beside waiting_suites working_suites
  # By default all cases run at once on one broker; in full each of them ten times more.
  if [ -n "$full" ]; then
    for broker in embedded redis rabbitMQ; do
      MARTLET_TEST_STRESS=${MARTLET_TEST_STRESS:-10} stage "crowd $broker" tests 1800 \
        --filter "^ConformanceTests\.StressTests/$broker"
    done
  fi
  # One after the other: both have the machine full of processes.
  faults
  examples
fi

say
result=ok
[ ! -e "$work/failed" ] || result=FAILED
cat "$work/summary"
printf '%-22s %-6s %4d s\n' total $result $SECONDS
if [ -n "$full" ] && [ -z "$filter" ]; then
  {
    echo "# The last full run"
    echo
    echo "\`Tests/run.sh --full\` of $(git rev-parse --short HEAD) on $(date -u +%F): $result."
    echo
    echo "| stage | result | time |"
    echo "|---|---|---|"
    while read -r line; do
      words=($line)
      count=${#words[@]}
      echo "| ${words[*]:0:count-3} | ${words[*]:count-3:1} | ${words[*]:count-2:1} s |"
    done <"$work/summary"
    echo "| total | $result | $SECONDS s |"
  } >Tests/LastFullRun.md
fi
# A promise to whoever waits for it; a slow machine may break it, so it does not fail the run.
if [ -z "$full$filter" ] && [ $SECONDS -gt $longest ]; then
  say
  say "!! THE DEFAULT RUN TOOK $SECONDS s; IT SHOULD TAKE AT MOST $longest s ON TWO CORES. See above which stage is slow."
fi
[ $result = ok ]
