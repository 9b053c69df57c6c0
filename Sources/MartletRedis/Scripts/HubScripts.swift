/// What is asked of a hub and of its partitions.
enum HubScripts {
  private static let now = """
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    """

  /// Makes a hub that is missing, and says what it is like. KEYS: description. ARGV: `1` to make a missing one; the
  /// partition count that is asked for, or nothing; the count of a hub that is made without; `set` to set the
  /// retention, `new` to set that of a hub that is made; age in ms, bytes, count, each or nothing.
  /// Answers partitions, age, bytes, count, and 1 where it was made now; nil for a hub that is missing.
  static let declare =
    """
    #!lua

    """ + now + """
      local known = redis.call('HGET', KEYS[1], 'partitions')
      local isNew = not known and ARGV[1] == '1'
      if not known and not isNew then return false end
      if isNew then
        known = ARGV[2] ~= '' and ARGV[2] or ARGV[3]
        redis.call('HSET', KEYS[1], 'partitions', known, 'made-at', string.format('%.0f', now))
      end
      -- Whoever asks for another count is told so, and changes nothing.
      local fits = ARGV[2] == '' or ARGV[2] == known
      if fits and (ARGV[4] == 'set' or (ARGV[4] == 'new' and isNew)) then
        for i, name in ipairs({ 'age', 'bytes', 'count' }) do
          if ARGV[4 + i] == '' then
            redis.call('HDEL', KEYS[1], name)
          else
            redis.call('HSET', KEYS[1], name, ARGV[4 + i])
          end
        end
      end
      local kept = redis.call('HMGET', KEYS[1], 'age', 'bytes', 'count')
      return { known, kept[1] or '', kept[2] or '', kept[3] or '', isNew and 1 or 0 }
      """

  /// What a partition holds. KEYS: stream. ARGV: the id of an entry, or nothing.
  /// Answers `1` where the stream exists, how many entries it ever took, how many it holds, the first id, the last one
  /// ever given, and of the named entry `=` and its message's id, or nothing where it is not there.
  static let look = """
    #!lua flags=no-writes
    local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
    if info.err then
      if redis.call('EXISTS', KEYS[1]) == 1 then return info end
      return { '0', '0', '0', '0-0', '0-0', '' }
    end
    local stream = {}
    for i = 1, #info, 2 do stream[info[i]] = info[i + 1] end
    local first = stream['first-entry']
    local named = ''
    local found = ARGV[1] ~= '' and redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
    if found then
      named = '=' .. KEYS[1] .. '/' .. found[1]
      for f = 1, #found[2], 2 do
        if found[2][f] == 'id' and found[2][f + 1] ~= '' then named = '=' .. found[2][f + 1] end
      end
    end
    return {
      '1', string.format('%.0f', stream['entries-added']), string.format('%.0f', stream['length']),
      first and first[1] or '0-0', stream['last-generated-id'], named
    }
    """

  /// Counts the entries of a range, a part of it in one call. KEYS: stream. ARGV: from, to, how many at most.
  /// Answers how many, the first id or nothing, and where to go on, nothing at the end.
  static let count = """
    #!lua flags=no-writes
    local from, count, first, room = ARGV[1], 0, '', tonumber(ARGV[3])
    while count < room do
      local list = redis.call('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 100)
      if list[1] and first == '' then first = list[1][1] end
      count = count + #list
      if #list < 100 then return { count, first, '' } end
      from = '(' .. list[100][1]
    end
    return { count, first, from }
    """

  /// Removes what the retention does not ask for. KEYS: stream, size. ARGV: count, bytes, age in ms, each or nothing;
  /// how many entries it may look at. Answers how many entries went, and 1 while it has to be called again.
  ///
  /// Redis knows no stream's bytes. They are counted once when entries came and once when they go, and the sum is kept.
  static let trim =
    """
    #!lua flags=allow-oom

    """ + now + """
      local call = redis.call
      local keep, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
      local oldest = ARGV[3] ~= '' and math.max(0, now - ARGV[3])
      if not limit then
        local removed = keep and call('XTRIM', KEYS[1], 'MAXLEN', ARGV[1]) or 0
        if oldest then removed = removed + call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', oldest)) end
        return { removed, 0 }
      end
      local function size(fields)
        local bytes = 0
        for f = 1, #fields, 2 do
          if fields[f] == 'body' then
            bytes = bytes + #fields[f + 1]
          elseif string.sub(fields[f], 1, 2) == 'h:' then
            bytes = bytes + #fields[f] - 2 + #fields[f + 1]
          end
        end
        return bytes
      end
      local head = call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
      if not head then
        call('DEL', KEYS[2])
        return { 0, 0 }
      end
      local state = call('HMGET', KEYS[2], 'first', 'last', 'bytes')
      local first, last, bytes = head[1], state[2], tonumber(state[3] or '0')
      -- Somebody else removed entries, or deleted the stream: it is counted anew.
      if state[1] ~= first then last, bytes = false, 0 end
      local room = tonumber(ARGV[4])
      while true do
        local list = call('XRANGE', KEYS[1], last and '(' .. last or '-', '+', 'COUNT', 100)
        for _, entry in ipairs(list) do
          bytes = bytes + size(entry[2])
          last = entry[1]
        end
        room = room - #list
        if #list < 100 then break end
        if room <= 0 then
          call('HSET', KEYS[2], 'first', first, 'last', last, 'bytes', string.format('%.0f', bytes))
          return { 0, 1 }
        end
      end
      local length, removed, more, from = call('XLEN', KEYS[1]), 0, 0, '-'
      local kept
      room = tonumber(ARGV[4])
      while not kept and length > 0 do
        local list = call('XRANGE', KEYS[1], from, '+', 'COUNT', 100)
        for _, entry in ipairs(list) do
          local isOld = oldest and tonumber(string.match(entry[1], '^%d+')) < oldest
          -- The newest stays, however large it is.
          if removed < room and (isOld or (keep and length > keep) or (bytes > limit and length > 1)) then
            bytes = bytes - size(entry[2])
            length = length - 1
            removed = removed + 1
            from = '(' .. entry[1]
          else
            kept = entry[1]
            if removed >= room then more = 1 end
            break
          end
        end
        if #list == 0 then break end
      end
      if kept then
        call('XTRIM', KEYS[1], 'MINID', kept)
        call('HSET', KEYS[2], 'first', kept, 'last', last, 'bytes', string.format('%.0f', bytes))
      else
        call('XTRIM', KEYS[1], 'MAXLEN', 0)
        call('DEL', KEYS[2])
      end
      return { removed, more }
      """

  /// Appends events to one partition, all or none: so a server that is full for a moment does not change their order.
  /// KEYS: stream. ARGV: `p`, `k` and `a` operations, see `EntryScript.send`.
  static let publish =
    """
    #!lua

    """ + EntryScript.schedule + EntryScript.send + """
      local kind = redis.call('TYPE', KEYS[1]).ok
      if kind ~= 'none' and kind ~= 'stream' then
        return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' holds a ' .. kind .. ', not a stream')
      end
      local i = 1
      while i <= #ARGV do i = send(i, '') end
      return 'OK'
      """
}
