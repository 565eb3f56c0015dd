-- block: (nothing) -> what a job waits for, before it is put
-- KEYS  1 blocked (zset)  2 its parents (hash, see parent-ended)
-- ARGV  1 id of the job  2 after how many ms it is looked at first  3 policy  4 input (see parent-ended)  5 when it is due then, as ARGV 8 of
--       put-with; '' for at once  6.. its parents. Many parents come in several calls
-- Returns how many parents are noted
--
-- It may be sent again: a parent is noted once. If the caller dies before it has put the job, maintenance deletes this.
local blocked, parents, id, lookAt = KEYS[1], KEYS[2], ARGV[1], serverNow() + ARGV[2]
local order, new = redis.call('HGET', parents, 'order'), {}
local input = ARGV[4] == 'only' and order and order ~= ARGV[6] and 'previous' or ARGV[4]
redis.call('HSET', parents, 'policy', ARGV[3], 'input', input, 'due', ARGV[5])
for at = 6, #ARGV do
  if redis.call('HSETNX', parents, '=' .. ARGV[at], '') == 1 then new[#new + 1] = ARGV[at] end
end
if #new > 0 then -- joined at once: with a longer text for each parent, thousands of them would take seconds
  redis.call('HSET', parents, 'order', (order and order .. '\n' or '') .. table.concat(new, '\n'))
  redis.call('HINCRBY', parents, 'left', #new)
end
redis.call('HSETNX', parents, 'since', lookAt)
redis.call('ZADD', blocked, 'NX', lookAt, id)
return tonumber(redis.call('HGET', parents, 'left') or 0)
