/// Hands one suspect to a consumer, its attempt recorded first. KEYS: stream, leases, attempts. ARGV: consumer.
/// Answers the number of recorded runs and the entry; nil when there is none; `FENCED`.
///
/// A consumer has one suspect at a time, so one that already lies with it is one whose handing out it never heard of.
enum SuspectScript {
  static let source = """
    #!lua flags=allow-oom
    if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'FENCED' end
    local mine = ARGV[1] .. '/s'
    while true do
      local held = redis.call('XPENDING', KEYS[1], 'martlet', '-', '+', 1, mine)[1]
      local next = held or redis.call('XPENDING', KEYS[1], 'martlet', '-', '+', 1, 'suspects')[1]
      if not next then return false end
      local id = next[1]
      local found = redis.call('XRANGE', KEYS[1], id, id)
      if found[1] then
        if not held then redis.call('XCLAIM', KEYS[1], 'martlet', mine, 0, id, 'JUSTID') end
        local recorded = held and redis.call('HGET', KEYS[3], id) or redis.call('HINCRBY', KEYS[3], id, 1)
        return { tonumber(recorded), found[1] }
      end
      -- The entry was trimmed or deleted by somebody else.
      redis.call('XACK', KEYS[1], 'martlet', id)
      redis.call('HDEL', KEYS[3], id)
    end
    """
}
