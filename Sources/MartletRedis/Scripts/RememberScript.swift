/// Remembers ids of messages that came to their end: a sorted set, by the time at which their window is over, by the
/// server's clock.
enum RememberScript {
  /// `isRemembered(key, id)`, and `remember(key, window, from, step)`: remembers every `step`th argument from `from` up to
  /// `to`. It removes twice as many whose window is over, so the set never grows and no call waits for a flood; what is
  /// not written to for a window goes as a whole.
  static let functions = """
    local function milliseconds()
      local time = redis.call('TIME')
      return time[1] * 1000 + math.floor(time[2] / 1000)
    end
    local function isRemembered(key, id, now)
      local over = redis.call('ZSCORE', key, id)
      return over and tonumber(over) > now
    end
    local function remember(key, window, from, to, step, now)
      local over, count = string.format('%.0f', now + window), 0
      for at = from, to, step do
        redis.call('ZADD', key, over, ARGV[at])
        count = count + 1
      end
      local old = redis.call('ZRANGE', key, '-inf', string.format('%.0f', now), 'BYSCORE', 'LIMIT', 0, 2 * count + 100)
      for at = 1, #old, 1000 do redis.call('ZREM', key, unpack(old, at, math.min(at + 999, #old))) end
      redis.call('PEXPIRE', key, window, 'NX')
      redis.call('PEXPIRE', key, window, 'GT')
    end

    """

  /// KEYS: the set. ARGV: window in ms, ids.
  static let source =
    """
    #!lua flags=allow-oom

    """ + functions + """
      remember(KEYS[1], tonumber(ARGV[1]), 2, #ARGV, 1, milliseconds())
      return 'OK'
      """
}
