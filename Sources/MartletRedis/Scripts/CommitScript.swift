/// Applies a commit group: fence, number and key types first, then every write, the number last. Lua does not roll
/// back, so what is refused is refused before the first write; `allow-oom` lets what is in flight finish on a full
/// server.
///
/// What it settles must be pending: a server that lost its last moments hands entries out twice, and the second outcome
/// would be sent like the first. So it acknowledges before it sends, which says how many were pending. Were they not
/// all, nothing is sent, and those without an outcome go back to the others.
///
/// Most of a queue's commits settle the oldest entries of its stream. Then one trim removes them, node by node, where
/// deleting each by its id would search the stream for each (measured: 0.1 instead of 1 µs a message).
enum CommitScript {
  static let source =
    """
    #!lua flags=allow-oom
    -- KEYS: stream, leases, numbers, attempts, dead, delayed, the set of the remembered ids if there are any; then the
    --       streams of the outputs; for delayed ones the delayed set, the stream and the leases
    -- ARGV: group, consumer, number; the newest id that is settled and the id behind it; count and ids of the settled;
    --       count and ids of the suspects among them; 's', window, count, then entry and id of each that is
    --       remembered, if there are any; then operations: 'p' plain outputs, 'k' events, 'a' outputs, 'd'
    --       delayed outputs, 'r' retries, 'x' dead letters, 'b' releases

    """ + EntryScript.giveBack + EntryScript.schedule + EntryScript.send + EntryScript.wanted
    + RememberScript.functions + """
      local call, A = redis.call, ARGV
      local stream, group, consumer, number = KEYS[1], A[1], A[2], tonumber(A[3])
      if call('HEXISTS', KEYS[2], consumer) == 0 then return 'FENCED' end
      local last = tonumber(call('HGET', KEYS[3], consumer) or '0')
      if number <= last then
        local refusal = call('HGET', KEYS[3], consumer .. ':' .. A[3])
        if refusal then return redis.error_reply(refusal) end
        return 'DONE'
      end
      -- Numbers have no gaps, so that groups can be on their way together: one that overtook another comes again.
      if number > last + 1 then return 'GAP' end
      -- A refusal takes the number, so that a number never means two things.
      local kinds = { 'stream', 'hash', 'hash', 'hash', 'stream', 'zset' }
      for k = 1, #KEYS do
        local kind = call('TYPE', KEYS[k]).ok
        local fitting = kinds[k] or wanted(KEYS[k])
        if kind ~= 'none' and kind ~= fitting then
          local text = 'WRONGTYPE ' .. KEYS[k] .. ' holds a ' .. kind .. ', not a ' .. fitting
          if k <= 6 then return redis.error_reply(text) end
          text = 'REFUSED ' .. text
          call('HSET', KEYS[3], consumer, number, consumer .. ':' .. A[3], text)
          return redis.error_reply(text)
        end
      end
      -- Lua hands on at most 8 000 values: long lists go in parts.
      local function list(from, count, body)
        for i = from, from + count - 1, 1000 do body(i, math.min(i + 999, from + count - 1)) end
      end
      local settled, count = 7, tonumber(A[6])
      local suspects = settled + count + 1
      local suspectCount = tonumber(A[suspects - 1])
      local i, mark = suspects + suspectCount, consumer .. ':' .. number
      local firstRemembered, lastRemembered = i + 3, 0
      if A[i] == 's' then
        -- The number stays free: what is refused now may be let in when the window is over.
        lastRemembered = i + 2 + 2 * tonumber(A[i + 2])
        local entries, repeated, now = {}, {}, milliseconds()
        for at = firstRemembered, lastRemembered, 2 do
          local entry, id = A[at], A[at + 1]
          if isRemembered(KEYS[7], id, now) or (entries[id] or entry) ~= entry then
            repeated[#repeated + 1] = entry
          end
          entries[id] = entry
        end
        if #repeated > 0 then return redis.error_reply('REPEATED ' .. table.concat(repeated, ' ')) end
        i = lastRemembered + 1
      end
      local acknowledged = 0
      list(settled, count, function(i, j) acknowledged = acknowledged + call('XACK', stream, group, unpack(A, i, j)) end)
      if acknowledged < count then
        for at = settled, settled + count - 1 do giveBack(stream, KEYS[4], A[at]) end
        local text = 'FORGOTTEN ' .. count - acknowledged .. ' of ' .. count .. ' entries'
        call('HSET', KEYS[3], consumer, number, consumer .. ':' .. A[3], text)
        return redis.error_reply(text)
      end
      local function operations()
        while i <= #A do
          local op = A[i]
          local behind = send(i, mark)
          if behind then
            i = behind
          elseif op == 'r' then
            local id, delay = A[i + 1], tonumber(A[i + 2])
            local fields = rest(stream, id, tonumber(A[i + 3]))
            if fields and delay == 0 then
              call('XADD', stream, '*', unpack(fields))
            elseif fields then
              local time = call('TIME')
              local due = time[1] * 1000 + math.floor(time[2] / 1000) + delay
              call('ZADD', KEYS[6], string.format('%.0f', due), cmsgpack.pack({ id, unpack(fields) }))
            end
            i = i + 4
          elseif op == 'x' then
            local id, n = A[i + 1], tonumber(A[i + 2])
            local fields = rest(stream, id, 0)
            if fields then
              local dead = {}
              for f = 1, #fields, 2 do
                -- An earlier death's reasons, of a message that was put back.
                if string.sub(fields[f], 1, 22) ~= 'h:martlet-dead-letter-' then
                  dead[#dead + 1] = fields[f]
                  dead[#dead + 1] = fields[f + 1]
                end
              end
              for f = i + 3, i + 2 + n do dead[#dead + 1] = A[f] end
              call('XADD', KEYS[5], '*', unpack(dead))
            end
            i = i + 3 + n
          elseif op == 'b' then
            local fields = rest(stream, A[i + 1], tonumber(A[i + 2]))
            if fields then call('XADD', stream, '*', unpack(fields)) end
            i = i + 3
          end
        end
      end
      -- Nothing foreseen is left that could fail: only a stream whose ids have come to their end. What was sent before it
      -- is sent again, when the inputs are.
      local isDone, failure = pcall(operations)
      if not isDone then
        list(settled, count, function(i, j)
          local pending = { unpack(A, i, j) }
          pending[#pending + 1] = 'FORCE'
          pending[#pending + 1] = 'JUSTID'
          call('XCLAIM', stream, group, consumer .. '/u', 0, unpack(pending))
        end)
        return type(failure) == 'table' and failure or redis.error_reply(tostring(failure))
      end
      if lastRemembered > firstRemembered then
        remember(KEYS[7], tonumber(A[firstRemembered - 2]), firstRemembered + 1, lastRemembered, 2, milliseconds())
      end
      if count > 0 then
        -- Everything up to the newest has an outcome: delivered entries are pending or deleted.
        if A[5] ~= '' and #call('XPENDING', stream, group, '-', A[4], 1) == 0 then
          call('XTRIM', stream, 'MINID', A[5])
        else
          list(settled, count, function(i, j) call('XDEL', stream, unpack(A, i, j)) end)
        end
      end
      list(suspects, suspectCount, function(i, j) call('HDEL', KEYS[4], unpack(A, i, j)) end)
      call('HSET', KEYS[3], consumer, number)
      return 'OK'
      """
}
