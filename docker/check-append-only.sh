#!/bin/sh
# Puts the append-only file of a Redis in order, before it starts.
#
#   check-append-only.sh DIRECTORY        the directory "appendonlydir" of a Redis that does not run
#
# A kill or a loss of power in the middle of a write may leave half a transaction at the end of the file. Redis 7 cuts off
# its last command alone and writes on behind a transaction that nothing ends, so that the start after that does its first
# half again. Here the transaction is cut off as a whole, and nothing else: a file with anything more wrong is left as it
# is, and the exit code is 1.
set -u
manifest=$1/appendonly.aof.manifest
[ -f "$manifest" ] || exit 0
found=$(redis-check-aof "$manifest" 2>&1) && exit 0
case $found in
*"Unexpected MULTI"*)
  echo "$found"
  echo "a transaction in $1 has no end, and more was written behind it: start Redis as it is and run BGREWRITEAOF" >&2
  exit 1
  ;;
esac
# What redis-check-aof says where the file ends too early, and only there; sometimes nothing.
if echo "$found" | grep -q '^0x' && ! echo "$found" | grep -qE 'Reached EOF before reading EXEC|Expected to read [0-9]+ bytes, got|, got: (00..|..00)$'; then
  echo "$found"
  echo "more is wrong with $1 than a write that was cut off: see redis-check-aof, and keep a copy" >&2
  exit 1
fi
echo "$found" | sed -n 's/.*, diff=\([1-9][0-9]*\)$/cutting off the last \1 bytes, a write without end/p'
echo y | redis-check-aof --fix "$manifest"
