/// Applies the commit of a partition's owner: fence, number and key types first, then every write, the number with the
/// position. Lua does not roll back, so what is refused is refused before the first write.
enum PartitionCommitScript {
  /// Does nothing with its keys: whether it can be called tells whether the user may write them.
  static let probe = """
    #!lua
    return 1
    """

  /// Answers `OK`; `DONE` for a number that was applied before; `FENCED`; `GAP`; or a list of `REFUSED` and, for each
  /// key that an output cannot go to, its place among the keys and the type of what is there.
  static let source =
    """
    #!lua flags=allow-oom
    -- KEYS: record, values, then those of the outputs
    -- ARGV: epoch, number, what makes delayed outputs unique; count and fields of the record; count and pairs of the
    --       values; count and keys of the removed values; then operations, see EntryScript.send

    """ + EntryScript.schedule + EntryScript.send + EntryScript.wanted + """
      local call, A = redis.call, ARGV
      if call('HGET', KEYS[1], 'epoch') ~= A[1] then return 'FENCED' end
      local number, last = tonumber(A[2]), tonumber(call('HGET', KEYS[1], 'commit') or '0')
      if number <= last then return 'DONE' end
      if number > last + 1 then return 'GAP' end
      local refused = {}
      for k = 2, #KEYS do
        local kind = call('TYPE', KEYS[k]).ok
        if kind ~= 'none' and kind ~= (k == 2 and 'hash' or wanted(KEYS[k])) then
          if k == 2 then return redis.error_reply('WRONGTYPE ' .. KEYS[k] .. ' holds a ' .. kind) end
          refused[#refused + 1] = k
          refused[#refused + 1] = kind
        end
      end
      if #refused > 0 then return { 'REFUSED', unpack(refused, 1, math.min(#refused, 1000)) } end
      -- Lua hands on at most 8 000 values: long lists go in parts, of pairs.
      local function list(from, count, body)
        for i = from, from + count - 1, 1000 do body(i, math.min(i + 999, from + count - 1)) end
      end
      local fields = 5
      local values = fields + A[fields - 1] + 1
      local removed = values + A[values - 1] + 1
      local i = removed + A[removed - 1]
      while i <= #A do i = send(i, A[3]) end
      list(values, tonumber(A[values - 1]), function(from, to) call('HSET', KEYS[2], unpack(A, from, to)) end)
      list(removed, tonumber(A[removed - 1]), function(from, to) call('HDEL', KEYS[2], unpack(A, from, to)) end)
      call('HSET', KEYS[1], 'commit', A[2], unpack(A, fields, values - 2))
      return 'OK'
      """
}
