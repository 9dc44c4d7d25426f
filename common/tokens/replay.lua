-- replay: apply journal entries by their entity. What is there already is skipped; where amount or origin
-- differ the journal wins. Everything is read first, applied in memory, and written last, each key once.
-- KEYS 1 meta  2 open holds  3 top users, then for each entry: user, generation or grant, tokens of the day
-- ARGV 1 nonce  2 server ids  3 now, ms  4 ms for which an ended generation is remembered
--      5 the journal offset behind these entries, for those who watch; then of each entry
--      kind  user id  id  amount  origin  fingerprint or ''  '<units> <model> <policy>' or ''  balance  at
-- 'ok <entries that changed something>' or 'differs'.
local PER_KEY, PER_ARG, HEAD = 3, 9, 5
local LINGER_MS = 600000        -- an ended generation stays so long at least: its entry may come twice (K1)
local now, window = whole(ARGV[3], TIME_DIGITS, BALANCE_MOST), whole(ARGV[4], TIME_DIGITS, BALANCE_MOST)
local KINDS = { grant = true, reserve = true, commit = true, release = true }
local count = (#KEYS - 3) / PER_KEY
argument(now and window and whole(ARGV[5], 16, BALANCE_MOST) and #ARGV - HEAD == count * PER_ARG, 'form')

-- ---- read
local users, things, entries, changed = {}, {}, {}, 0
local GENERATION = { 'user', 'state', 'origin', 'tokens', 'committed', 'released', 'answer', 'settle_origin' }
local GRANT = { 'user', 'state', 'origin', 'amount', 'answer' }

local function user_at(key)
  if not users[key] then
    local granted, available, reserved, spent = account(key)
    local counts = call('HMGET', key, 'charged', 'freed')
    users[key] = { granted = granted, available = available, reserved = reserved, spent = spent,
      charged = whole(counts[1], 16, BALANCE_MOST) or 0, freed = whole(counts[2], 16, BALANCE_MOST) or 0 }
  end
  return users[key]
end

local function thing_at(key, fields)
  if not things[key] then
    local row, thing = call('HMGET', key, unpack(fields)), { set = {} }
    for i = 1, #fields do thing[fields[i]] = row[i] or nil end
    things[key] = thing
  end
  return things[key]
end

call('ZCARD', KEYS[2])                          -- its type, before anything is written
for i = 1, count do
  local k, a = 3 + (i - 1) * PER_KEY, HEAD + (i - 1) * PER_ARG
  local entry = { kind = ARGV[a + 1], user = ARGV[a + 2], id = ARGV[a + 3], amount_text = ARGV[a + 4],
    origin = ARGV[a + 5], fingerprint = ARGV[a + 6], quote = ARGV[a + 7], balance = ARGV[a + 8],
    at = ARGV[a + 9], day = KEYS[k + 3] }
  local size = whole(match(entry.amount_text, '^%-?(%d+)$'), 16, BALANCE_MOST)
  local negative = string.sub(entry.amount_text, 1, 1) == '-'
  argument(size and size > 0 and (entry.kind == 'grant' or not negative), 'amount')
  argument(whole(entry.at, TIME_DIGITS, BALANCE_MOST), 'at')
  argument(match(entry.balance, '^%d+ %-?%d+ %d+ %d+$'), 'balance')
  argument(KINDS[entry.kind], 'kind')
  entry.amount = negative and -size or size
  entry.account = user_at(KEYS[k + 1])
  entry.thing = thing_at(KEYS[k + 2], entry.kind == 'grant' and GRANT or GENERATION)
  entry.thing.id = entry.id
  local state = entry.thing.state
  if (state == 'reserved' or state == 'settled' or state == 'done') and entry.thing.user ~= entry.user then
    error('ENTRY belongs to another user than its generation or grant')
  end
  entries[i] = entry
end

-- ---- apply
local function put(thing, field, value)
  thing[field], thing.set[field] = value, value
end

local days = {}                                 -- of each day's key: what is to be added to its counts
local function note_day(key, field, tokens)
  days[key] = days[key] or {}
  days[key][field] = (days[key][field] or 0) + tokens
end

local function number_in(thing, field) return tonumber(thing[field] or '0') end

local function ended_as(thing)                  -- which counter of the user an ended generation stands in
  if thing.state ~= 'settled' then return nil end
  return number_in(thing, 'committed') > 0 and 'charged' or 'freed'
end

local apply = {}

function apply.grant(entry, grant, account_)
  local before = grant.state == 'done' and number_in(grant, 'amount') or 0
  if grant.state == 'done' and before == entry.amount and grant.origin == entry.origin then return false end
  account_.granted, account_.available = account_.granted + entry.amount - before,
      account_.available + entry.amount - before
  grant.anew = grant.anew or (grant.state and grant.state ~= 'done')    -- a refusal, with its expiry
  put(grant, 'user', entry.user)
  put(grant, 'state', 'done')
  put(grant, 'amount', entry.amount_text)
  put(grant, 'origin', entry.origin)
  put(grant, 'answer', format('%s %s %s', entry.amount_text, entry.balance, entry.at))
  if before == 0 then note_day(entry.day, 'grant', entry.amount) end
  return true
end

function apply.reserve(entry, generation, account_)
  local held = generation.state == 'reserved'
  if generation.state == 'settled' then return false end
  local before = held and number_in(generation, 'tokens') or 0
  if held and before == entry.amount and generation.origin == entry.origin then return false end
  account_.available, account_.reserved = account_.available - entry.amount + before,
      account_.reserved + entry.amount - before
  generation.anew = generation.anew or (generation.state and not held)
  put(generation, 'user', entry.user)
  put(generation, 'state', 'reserved')
  put(generation, 'origin', entry.origin)
  put(generation, 'fingerprint', entry.fingerprint)
  put(generation, 'tokens', entry.amount_text)
  put(generation, 'answer', format('%s %s %s %s', entry.amount_text, entry.balance, entry.at, entry.quote))
  put(generation, 'counted', '1')
  generation.started = entry.at
  if not held then note_day(entry.day, 'reserve', entry.amount) end
  return true
end

-- One half of a settlement. The generation has ended only when both halves make up the hold.
local function settle(entry, generation, account_, field, side)
  if generation.state ~= 'reserved' and generation.state ~= 'settled' then return false end
  local before, counted = number_in(generation, field), ended_as(generation)
  if before == entry.amount and generation.settle_origin == entry.origin then return false end
  account_.reserved = account_.reserved - entry.amount + before
  account_[side] = account_[side] + entry.amount - before
  put(generation, field, entry.amount_text)
  put(generation, field == 'committed' and 'commit_balance' or 'release_balance', entry.balance)
  put(generation, 'settled_at', entry.at)
  put(generation, 'settle_origin', entry.origin)
  put(generation, 'moved', '1')
  local whole_hold = number_in(generation, 'committed') + number_in(generation, 'released')
      == number_in(generation, 'tokens')
  put(generation, 'state', whole_hold and 'settled' or 'reserved')
  local counts = ended_as(generation)
  if counted then account_[counted] = math.max(account_[counted] - 1, 0) end
  if counts then account_[counts] = account_[counts] + 1 end
  if before == 0 then note_day(entry.day, entry.kind, entry.amount) end
  return true
end

function apply.commit(entry, generation, account_)
  return settle(entry, generation, account_, 'committed', 'spent')
end

function apply.release(entry, generation, account_)
  return settle(entry, generation, account_, 'released', 'available')
end

for _, entry in ipairs(entries) do
  if apply[entry.kind](entry, entry.thing, entry.account) then
    changed = changed + 1
    entry.account.changed = entry.user
  end
end

-- ---- write
for key, thing in pairs(things) do
  if next(thing.set) then
    if thing.state ~= 'done' then
      if thing.state == 'settled' then
        call('ZREM', KEYS[2], thing.id)
        if not thing.committed then             -- the half that has no entry moved nothing
          put(thing, 'committed', '0')
          put(thing, 'commit_balance', thing.release_balance)
        end
        if not thing.released then
          put(thing, 'released', '0')
          put(thing, 'release_balance', thing.commit_balance)
        end
      else
        call('ZADD', KEYS[2], thing.started or match(thing.answer, '^%S+ %S+ %S+ %S+ %S+ (%d+)'), thing.id)
      end
    end
    if thing.anew then call('DEL', key) end
    local row = {}
    for field, value in pairs(thing.set) do row[#row + 1], row[#row + 2] = field, value end
    call('HSET', key, unpack(row))
    if thing.state == 'settled' then
      local left = tonumber(thing.set.settled_at or now) + window - now
      call('PEXPIRE', key, format('%d', math.max(left, LINGER_MS)))
    else
      call('PERSIST', key)
    end
  end
end
for key, user in pairs(users) do
  if user.changed then
    call('HSET', key, 'granted', format('%d', user.granted), 'available', format('%d', user.available),
      'reserved', format('%d', user.reserved), 'spent', format('%d', user.spent),
      'charged', format('%d', user.charged), 'freed', format('%d', user.freed))
    redis.pcall('ZADD', KEYS[3], format('%d', user.spent), user.changed)
  end
end
for key, counts in pairs(days) do
  for field, tokens in pairs(counts) do count_day(key, field, tokens) end
end
call('HSET', KEYS[1], 'replayed', ARGV[5])
return format('ok %d', changed)
