#!/bin/bash
# A Redis or RabbitMQ of a test's own, in its own directory, on loopback.
#
#   server.sh redis|rabbitmq DIRECTORY PORT [OPTIONS OF redis-server]
#
# It obeys the words on its standard input (start, stop, kill, pause, resume), answers each with a line (ready, stopped,
# killed, paused, resumed, or "failed" and the reason), and kills the server when its standard input ends: whoever
# started it may die in any way, and no server stays behind. A directory that it made, it removes.
set -um

here=$(cd "$(dirname "$0")" && pwd)
kind=$1 directory=$2 port=$3
options=("${@:4}")
group='' epmd=''
made=''
[ -d "$directory" ] || { mkdir -p "$directory" && made=$directory; }
log=$directory/log

free_port() {
  local candidate
  while :; do
    candidate=$((12000 + RANDOM % 8000))
    (: </dev/tcp/127.0.0.1/$candidate) 2>/dev/null || { echo $candidate; return; }
  done
}

start_redis() {
  sh "$here/../../docker/check-append-only.sh" "$directory/appendonlydir" >>"$log" 2>&1 || { group=''; return 1; }
  redis-server --bind 127.0.0.1 --port "$port" --dir "$directory" --appendonly yes --save '' \
    --enable-debug-command local ${options[@]+"${options[@]}"} </dev/null >>"$log" 2>&1 &
  group=$!
}

start_rabbitmq() {
  local resend='-rabbit dead_letter_worker_publisher_confirm_timeout 10000'
  cat >"$directory/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$port
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = info
log.file = false
END
  # Idle schedulers must not spin: tests and servers share few cores. A delayed message whose queue was not there when
  # its time came is sent again after seconds, not minutes.
  env HOME="$directory" ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_NODENAME="martlet-$port@localhost" RABBITMQ_DIST_PORT="$dist_port" \
    RABBITMQ_CONFIG_FILE="$directory/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$directory/none" \
    RABBITMQ_MNESIA_BASE="$directory/mnesia" RABBITMQ_LOG_BASE="$directory" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$directory/enabled_plugins" RABBITMQ_PID_FILE="$directory/pid" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none $resend" \
    RUNNING_UNDER_SYSTEMD=true /usr/lib/rabbitmq/bin/rabbitmq-server </dev/null >>"$log" 2>&1 &
  group=$!
}

start() {
  [ -z "$group" ] || { echo "failed: it runs already"; return; }
  : >"$log"
  "start_$kind" || { echo "failed: $(tail -n 3 "$log" | tr '\n' ' ')"; return; }
  local tries=0
  until grep -qE 'Ready to accept connections|Server startup complete' "$log"; do
    if ! kill -0 -- -"$group" 2>/dev/null || [ $((tries += 1)) -gt 1200 ]; then
      echo "failed: $(tail -n 3 "$log" | tr '\n' ' ')"
      end KILL
      return
    fi
    sleep 0.05
  done
  echo ready
}

end() {
  [ -n "$group" ] || return
  kill -CONT -- -"$group" 2>/dev/null
  kill -"$1" -- -"$group" 2>/dev/null
  local tries=0
  while kill -0 "$group" 2>/dev/null && [ $((tries += 1)) -le 600 ]; do sleep 0.05; done
  kill -KILL -- -"$group" 2>/dev/null
  wait "$group" 2>/dev/null
  group=''
}

# "control EXPRESSION." has RabbitMQ's node compute it; the answer is "done". Without RabbitMQ's own tool, which needs a
# second for its start, and many where others keep the machine busy.
control() {
  local answer cookie
  cookie=$(<"$directory/.erlang.cookie")
  answer=$(env HOME="$directory" ERL_EPMD_PORT="$epmd_port" \
    erl_call -c "$cookie" -sname "martlet-$port@localhost" -e <<<"$1" 2>&1)
  case $answer in
  '{ok, {error'* | '{error'* | erl_call*) echo "failed: $(echo "$answer" | tr '\n' ' ')" ;;
  *) echo done ;;
  esac
}

# After the reply to "stop" or "kill" nothing of the server runs.
obey() {
  case $1 in
  start) start ;;
  stop) end TERM && echo stopped ;;
  kill) end KILL && echo killed ;;
  pause) kill -STOP -- -"$group" && echo paused ;;
  resume) kill -CONT -- -"$group" && echo resumed ;;
  control) control "${2-}" ;;
  *) echo "failed: \"$1\" is none of start, stop, kill, pause, resume, control" ;;
  esac
}

finish() {
  end KILL
  [ -z "$epmd" ] || kill -KILL -- -"$epmd" 2>/dev/null
  [ -z "$made" ] || rm -rf "$made"
}
trap finish EXIT
trap 'exit 0' TERM INT HUP

if [ "$kind" = rabbitmq ]; then
  epmd_port=$(free_port) dist_port=$(free_port)
  # A name server of its own: Erlang would start one that outlives every node, under a name that all nodes share.
  epmd -address 127.0.0.1 -port "$epmd_port" </dev/null >/dev/null 2>&1 &
  epmd=$!
fi
while read -r word rest; do obey "$word" "$rest"; done
