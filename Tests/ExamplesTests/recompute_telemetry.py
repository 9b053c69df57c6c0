"""What the telemetry example must print: reads `device,timestamp,value` lines, in any mix of devices."""
import json
import math
import re
import sys

SPAN, THRESHOLD = 288, 7.0
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z")


def add(values):
    total = 0.0
    for value in values:
        total += value
    return total


def summarise(lines, dead):
    readings, rejected, alerts, known = 0, 0, [], []
    hours, late, hour, window = [], 0, None, []
    for line in lines:
        columns = line.split(",")
        try:
            if len(columns) != 2 or not TIME.match(columns[0]):
                raise ValueError(line)
            time, value = columns[0], float(columns[1])
            if not math.isfinite(value):
                raise ValueError(line)
        except ValueError:
            rejected += 1
            dead.append(line)
            continue
        readings += 1
        if len(known) == SPAN:
            mean = add(known) / SPAN
            variance = add((x - mean) * (x - mean) for x in known) / SPAN
            if variance > 0 and abs(value - mean) / math.sqrt(variance) > THRESHOLD:
                alerts.append(time)
        known = known[-(SPAN - 1):] + [value]
        if hour is not None and time[:13] < hour:
            late += 1
            continue
        if time[:13] != hour and window:
            hours.append(window)
            window = []
        hour = time[:13]
        window.append(value)
    if window:
        hours.append(window)
    result = {"readings": readings, "rejected": rejected, "alerts": alerts}
    windows = {"count": len(hours), "late": late}
    if hours:
        windows["mean"] = add(add(window) / len(window) for window in hours) / len(hours)
        windows["min"] = min(min(window) for window in hours)
        windows["max"] = max(max(window) for window in hours)
    result["windows"] = windows
    return result


devices = {}
for line in sys.stdin.read().splitlines():
    device, _, rest = line.partition(",")
    devices.setdefault(device, []).append(rest)
dead = {name: [] for name in devices}
print(json.dumps({"devices": {name: summarise(lines, dead[name]) for name, lines in devices.items()}, "dead": dead}))
