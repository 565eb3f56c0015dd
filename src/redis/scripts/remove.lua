-- remove: waiting, delayed, active, dead -> (gone)
-- KEYS  1 request (string)  2 workers (zset)  3 registry  4 heartbeats  5 commands (hashes)  6 left (zset)  7 meta
--       8 earlier registry  9 delayed messages  10 dead messages (hashes)  11 history (stream)  12.. delayed, dead and schedules (zsets), the outbox
--       (hash), the lists of waiting messages, and the claims of each worker in ARGV (hashes)
-- ARGV  1 how long Redis keeps the request key, in ms  2 'force', or ''  3.. the workers that the caller knows
-- Returns 1 if removed; 0 if a worker is registered, or a message or schedule is there, without force; -1 if a worker has joined: its claims are
--         no key of this call, so the caller must call again
--
-- The request key keeps the result. Without it, a repeated or late request would remove messages that were put later.
local request, workers, registry = unpack(KEYS, 1, 3)
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end

local known = {}
for index = 3, #ARGV do known[ARGV[index]] = true end
local function isUnknown(names)
  for _, worker in ipairs(names) do
    if not known[worker] then return true end
  end
end
if isUnknown(redis.call('ZRANGE', workers, 0, -1)) or isUnknown(redis.call('HKEYS', registry)) then return -1 end

if ARGV[2] ~= 'force' then
  if redis.call('EXISTS', workers) == 1 then return 0 end
  for index = 12, #KEYS do
    if redis.call('EXISTS', KEYS[index]) == 1 then return 0 end
  end
end
for index = 2, #KEYS do redis.call('DEL', KEYS[index]) end
redis.call('SET', request, 1, 'PX', ARGV[1])
return 1
