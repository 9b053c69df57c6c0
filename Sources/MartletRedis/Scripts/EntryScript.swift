/// What several scripts do with entries. Begins a script, behind its flags.
enum EntryScript {
  /// `rest(stream, id, spent)`: the fields of an entry for its next life: its id given even where the sender gave none,
  /// so that it stays the same, and `spent` attempts noted; nil for an entry that somebody deleted. Lua cannot pass
  /// more than 8 000 values on, so what lies behind 3 500 fields is cut off.
  static let rest = """
    local function rest(stream, id, spent)
      local found = redis.call('XRANGE', stream, id, id)
      if not found[1] then return nil end
      local fields, kept, named = found[1][2], {}, false
      for f = 1, math.min(#fields, 7000), 2 do
        if fields[f] ~= 'martlet-attempts' then
          named = named or (fields[f] == 'id' and fields[f + 1] ~= '')
          kept[#kept + 1] = fields[f]
          kept[#kept + 1] = fields[f + 1]
        end
      end
      if not named then
        kept[#kept + 1] = 'id'
        kept[#kept + 1] = stream .. '/' .. id
      end
      if spent > 0 then
        kept[#kept + 1] = 'martlet-attempts'
        kept[#kept + 1] = string.format('%d', spent)
      end
      return kept
    end

    """

  /// `giveBack(stream, attempts, id)`: puts an entry behind the others, as if it had not been handed out; the runs that
  /// were recorded while it was a suspect go with it.
  static let giveBack =
    rest + """
      local function giveBack(stream, attempts, id)
        local found = redis.call('XRANGE', stream, id, id)
        local fields, spent = found[1] and found[1][2] or {}, 0
        for f = 1, #fields, 2 do
          if fields[f] == 'martlet-attempts' then spent = tonumber(fields[f + 1]) or 0 end
        end
        spent = math.max(0, spent) + tonumber(redis.call('HGET', attempts, id) or '0')
        local kept = rest(stream, id, math.min(spent, 1073741824))
        if kept then redis.call('XADD', stream, '*', unpack(kept)) end
        redis.call('XACK', stream, 'martlet', id)
        redis.call('XDEL', stream, id)
        redis.call('HDEL', attempts, id)
      end

      """

  /// `schedule(delayed, stream, leases, due, member)`: keeps a message until `due`. Consumers sleep until the next due
  /// time that they know of; an earlier one wakes one of them, by an entry that is no message.
  static let schedule = """
    local function schedule(delayed, stream, leases, due, member)
      redis.call('ZADD', delayed, due, member)
      if redis.call('ZRANK', delayed, member) == 0 and redis.call('HLEN', leases) > 0 then
        redis.call('XADD', stream, '*', 'martlet-wake', due)
      end
    end

    """

  /// `send(i, mark)`: does the operation at `ARGV[i]` and answers the place behind it; nil for one that sends nothing.
  /// `p` stream, content type or nothing, count, then id and body of each; `k` stream, content type or nothing, `1`
  /// where they have traces, count, then id, key, trace and body of each; `a` stream, count, fields; `d` delayed set,
  /// due, count, fields: the stream and the leases are the keys behind the set. `mark` makes delayed ones unique.
  /// Needs `schedule`.
  static let send = """
    local function send(i, mark)
      local call, A = redis.call, ARGV
      local op = A[i]
      if op == 'p' then
        local key, kind, last = KEYS[tonumber(A[i + 1])], A[i + 2], i + 3 + 2 * tonumber(A[i + 3])
        for at = i + 4, last, 2 do
          if kind == '' then
            call('XADD', key, '*', 'id', A[at], 'body', A[at + 1])
          else
            call('XADD', key, '*', 'id', A[at], 'content-type', kind, 'body', A[at + 1])
          end
        end
        return last + 1
      elseif op == 'k' then
        local stream, kind, step = KEYS[tonumber(A[i + 1])], A[i + 2], A[i + 3] == '1' and 4 or 3
        local last = i + 4 + step * tonumber(A[i + 4])
        if kind == '' then
          local f = { 'id', '', 'key', '' }
          if step == 4 then f[5], f[6] = 'traceparent', '' end
          f[#f + 1], f[#f + 2] = 'body', ''
          local body = #f
          for at = i + 5, last, step do
            f[2], f[4], f[body] = A[at], A[at + 1], A[at + step - 1]
            if step == 4 then f[6] = A[at + 2] end
            call('XADD', stream, '*', unpack(f))
          end
        elseif step == 4 then
          for at = i + 5, last, 4 do
            call('XADD', stream, '*', 'id', A[at], 'content-type', kind, 'key', A[at + 1], 'traceparent', A[at + 2],
              'body', A[at + 3])
          end
        else
          for at = i + 5, last, 3 do
            call('XADD', stream, '*', 'id', A[at], 'content-type', kind, 'key', A[at + 1], 'body', A[at + 2])
          end
        end
        return last + 1
      elseif op == 'a' then
        local n = tonumber(A[i + 2])
        call('XADD', KEYS[tonumber(A[i + 1])], '*', unpack(A, i + 3, i + 2 + n))
        return i + 3 + n
      elseif op == 'd' then
        local n, k = tonumber(A[i + 3]), tonumber(A[i + 1])
        local member = cmsgpack.pack({ mark .. ':' .. i, unpack(A, i + 4, i + 3 + n) })
        schedule(KEYS[k], KEYS[k + 1], KEYS[k + 2], A[i + 2], member)
        return i + 4 + n
      end
    end

    """

  /// `wanted(key)`: the type that the key of an output, or of the remembered ids, must have.
  static let wanted = """
    local function wanted(key)
      local helper = string.match(key, '^{.*}:(%l+)$')
      return ((helper == 'delayed' or helper == 'remembered') and 'zset') or (helper == 'leases' and 'hash') or 'stream'
    end

    """
}
