-- What status and console show. Never raises: a wrong type there must not undo, or seem to undo, what has
-- moved. So these come after the money.

-- A day's first count sets its expiry, so that days go away by themselves after 400.
local function count_day(key, field, tokens)
  if redis.pcall('HINCRBY', key, field, tokens) == tokens then redis.pcall('EXPIRE', key, 34560000) end
end

-- '<user id> <status> <at> <JSON, may be empty>'
local function show(key, user, status, at, json, window)
  redis.pcall('SET', key, user .. ' ' .. status .. ' ' .. at .. ' ' .. json, 'PX', window)
end

-- A generation's place among its user's last hundred.
local function list(key, at, generation, window)
  redis.pcall('ZADD', key, at, generation)
  redis.pcall('ZREMRANGEBYRANK', key, 0, -101)
  redis.pcall('PEXPIRE', key, window)
end
