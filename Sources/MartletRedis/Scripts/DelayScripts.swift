/// Messages that wait for their time lie in a sorted set, by the due time in ms: packed (MessagePack) as an array of a
/// text that makes the member unique and the fields of the entry to come.
enum DelayScripts {
  /// Moves what is due to the stream. KEYS: stream, delayed. ARGV: how many at most.
  /// Answers the ms to the next due time, 0 if more is due now, -1 if nothing waits.
  static let move = """
    #!lua flags=allow-oom
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])
    for _, member in ipairs(due) do
      -- What is not ours is passed on as it is: it must not hold up the others.
      local isPacked, fields = pcall(cmsgpack.unpack, member)
      if not isPacked or type(fields) ~= 'table' or #fields < 3 or #fields % 2 == 0 or #fields > 7500 then
        fields = { '', 'body', member }
      end
      redis.call('XADD', KEYS[1], '*', unpack(fields, 2))
      redis.call('ZREM', KEYS[2], member)
    end
    local next = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
    if #next == 0 then return -1 end
    return math.max(0, tonumber(next[2]) - now)
    """

  /// Publishes one message for later. KEYS: delayed, stream, leases. ARGV: due in ms, a unique text, then the fields.
  static let delay =
    "#!lua\n" + EntryScript.schedule + """
      schedule(KEYS[1], KEYS[2], KEYS[3], ARGV[1], cmsgpack.pack({ ARGV[2], unpack(ARGV, 3) }))
      return 'OK'
      """
}
