/// Members and owners of consumer groups, by the server's clock.
enum GroupScripts {
  /// KEYS: members. ARGV: member, expiration in ms. Answers members and how long ago each was heard of, in ms.
  static let attend = """
    #!lua flags=allow-oom
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local keep = math.min(10 * ARGV[2], 9e15)
    redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now))
    local answer = {}
    local all = redis.call('HGETALL', KEYS[1])
    for i = 1, #all, 2 do
      local silence = math.max(0, now - (tonumber(all[i + 1]) or 0))
      if silence > keep then
        redis.call('HDEL', KEYS[1], all[i])
      else
        answer[#answer + 1] = all[i]
        answer[#answer + 1] = string.format('%.0f', silence)
      end
    end
    -- A group that nobody attends any more leaves nothing behind.
    local ending = string.format('%.0f', keep)
    if redis.call('PEXPIRE', KEYS[1], ending, 'NX') == 0 then redis.call('PEXPIRE', KEYS[1], ending, 'GT') end
    return answer
    """

  /// KEYS: record. ARGV: member, epoch that it saw, `1` after a death, a text that no other claim has.
  /// Answers the record; nil where somebody else was faster. Asked again after a lost answer, it answers the same.
  static let claim = """
    #!lua flags=allow-oom
    local known = redis.call('HMGET', KEYS[1], 'epoch', 'claim')
    if known[2] ~= ARGV[4] then
      -- An epoch that makes no sense is read as 0, and followed by one that nobody had.
      local epoch = tonumber(known[1] or '0')
      if (epoch and known[1] or '0') ~= ARGV[2] then return false end
      if not epoch then redis.call('HSET', KEYS[1], 'epoch', redis.call('TIME')[1] .. '000') end
      if not tonumber(redis.call('HGET', KEYS[1], 'deaths') or '0') then redis.call('HDEL', KEYS[1], 'deaths') end
      redis.call('HINCRBY', KEYS[1], 'epoch', 1)
      redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'commit', 0, 'claim', ARGV[4])
      if ARGV[3] == '1' then redis.call('HINCRBY', KEYS[1], 'deaths', 1) end
    end
    return redis.call('HGETALL', KEYS[1])
    """

  /// KEYS: record. ARGV: epoch.
  static let release = """
    #!lua flags=allow-oom
    if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner') end
    return 'OK'
    """

  /// KEYS: record. ARGV: a text that no other move has, then the fields of the position.
  static let move = """
    #!lua flags=allow-oom
    if redis.call('HGET', KEYS[1], 'move') == ARGV[1] then return 'OK' end
    if not tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') then
      redis.call('HSET', KEYS[1], 'epoch', redis.call('TIME')[1] .. '000')
    end
    redis.call('HINCRBY', KEYS[1], 'epoch', 1)
    redis.call('HDEL', KEYS[1], 'owner', 'claim', 'suspect')
    redis.call('HSET', KEYS[1], 'commit', 0, 'move', ARGV[1], unpack(ARGV, 2))
    return 'OK'
    """
}
