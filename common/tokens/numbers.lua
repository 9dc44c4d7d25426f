-- What every script begins with; the build (embed.cmake) joins the parts that a script needs into one text.
--
-- KEYS[1] is always the bucket's meta hash. Order inside each script: read and check everything, then write.
-- Lua in Redis is atomic but not transactional: what was written before an error stays (hazards R2). Texts of
-- users never get into an error reply (R9).
local call, match, format = redis.call, string.match, string.format
local AMOUNT_MOST = 2147483648                  -- one price, one grant: 2^31
local BALANCE_MOST = 9007199254740991           -- 2^53 - 1: exact in Lua, in every JSON reader and in '%d'
local TIME_DIGITS = 15

-- false, or the exact integer that the text is: no sign, blank, exponent, hex or leading zero gets through
-- (R3).
local function whole(text, digits, most)
  if not text or #text > digits or not (text == '0' or match(text, '^[1-9]%d*$')) then return false end
  local number = tonumber(text)
  return number <= most and number
end

local function argument(good, name)
  if not good then error('ARGUMENT ' .. name) end
end
