/// Leases: a consumer lives while its record stands in `{queue}:leases`. All by the server's clock.
///
/// In the stream's group a consumer has several names, all of them its own with a suffix: `/0`, `/1`… for its reads, a
/// new one after each cut, because a server may go on serving a connection that nobody listens to; `/s` for suspects.
enum LeaseScripts {
  private static let now = """
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    """

  /// KEYS: leases. ARGV: consumer, lease in ms.
  static let register =
    """
    #!lua flags=allow-oom

    """ + now + """
      redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[2]))
      return 'OK'
      """

  /// Forgets a consumer: its lease, its number, its refusals.
  private static let forget = """
    local function forget(name)
      redis.call('HDEL', KEYS[2], name)
      redis.call('HDEL', KEYS[3], name)
      for _, field in ipairs(redis.call('HKEYS', KEYS[3])) do
        if string.sub(field, 1, #name + 1) == name .. ':' then redis.call('HDEL', KEYS[3], field) end
      end
    end

    """

  /// The members of the group with whom they belong to.
  private static let members = """
    local function members()
      local list = {}
      for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'martlet')) do
        local info = {}
        for i = 1, #consumer, 2 do info[consumer[i]] = consumer[i + 1] end
        local name, part = string.match(info.name, '^(.*)/([^/]*)$')
        list[#list + 1] = { name = info.name, owner = name or info.name, part = part, pending = info.pending }
      end
      return list
    end

    """

  /// A consumer's round: renews its lease, gives back what reads that were cut off had brought, and takes over from the
  /// dead: fences those whose lease is over, and hands what they hold (also what a fenced one read late) to the
  /// pseudo-consumer `suspects`.
  ///
  /// KEYS: stream, leases, numbers, attempts, delayed. ARGV: consumer, lease in ms, `1` to take over, how many entries
  /// at most; then for each read name that is given up, the name and the last entry that arrived under it.
  /// Answers how many suspects wait, and the ms to the next due time (-1: nothing is delayed); `FENCED`.
  static let tend =
    """
    #!lua flags=allow-oom

    """ + now + EntryScript.giveBack + forget + members + """
      if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'FENCED' end
      local group = members()
      redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', now + ARGV[2]))
      local room = tonumber(ARGV[4])
      for i = 5, #ARGV, 2 do
        local list = redis.call('XPENDING', KEYS[1], 'martlet', '(' .. ARGV[i + 1], '+', room + 1, ARGV[i])
        for k = 1, math.min(#list, room) do giveBack(KEYS[1], KEYS[4], list[k][1]) end
        room = math.max(0, room - #list)
        if #redis.call('XPENDING', KEYS[1], 'martlet', '-', '+', 1, ARGV[i]) == 0 then
          redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'martlet', ARGV[i])
        end
      end
      local alive = {}
      local leases = redis.call('HGETALL', KEYS[2])
      for i = 1, #leases, 2 do
        if tonumber(leases[i + 1]) >= now or ARGV[3] ~= '1' then
          alive[leases[i]] = true
        else
          forget(leases[i])
        end
      end
      local waiting = 0
      for _, member in ipairs(group) do
        local count = member.pending
        if member.name == 'suspects' or (member.owner == ARGV[1] and member.part == 's') then
          waiting = waiting + count
        elseif not alive[member.owner] and ARGV[3] == '1' then
          while count > 0 and room > 0 do
            local list = redis.call('XPENDING', KEYS[1], 'martlet', '-', '+', math.min(100, room), member.name)
            if #list == 0 then break end
            local ids = {}
            for _, item in ipairs(list) do ids[#ids + 1] = item[1] end
            redis.call('XCLAIM', KEYS[1], 'martlet', 'suspects', 0, unpack(ids), 'JUSTID')
            count = count - #ids
            room = room - #ids
            waiting = waiting + #ids
          end
          -- Never with entries pending: they would be lost with it.
          if #redis.call('XPENDING', KEYS[1], 'martlet', '-', '+', 1, member.name) == 0 then
            redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'martlet', member.name)
          end
        end
      end
      local next = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')
      return { waiting, next[2] and math.max(0, tonumber(next[2]) - now) or -1 }
      """

  /// A consumer ends: what it holds goes back. KEYS: stream, leases, numbers, attempts. ARGV: consumer, how many
  /// entries at most. Answers `MORE` while it has to be called again.
  static let leave =
    """
    #!lua flags=allow-oom

    """ + EntryScript.giveBack + forget + members + """
      if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'FENCED' end
      local room = tonumber(ARGV[2])
      local exists = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], 'martlet')
      for _, member in ipairs(exists.err and {} or members()) do
        if member.owner == ARGV[1] then
          local list = redis.call('XPENDING', KEYS[1], 'martlet', '-', '+', room + 1, member.name)
          for k = 1, math.min(#list, room) do giveBack(KEYS[1], KEYS[4], list[k][1]) end
          if #list > room then return 'MORE' end
          room = room - #list
          redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'martlet', member.name)
        end
      end
      forget(ARGV[1])
      return 'OK'
      """
}
