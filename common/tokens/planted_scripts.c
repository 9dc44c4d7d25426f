/* Planted bugs in the scripts (base/planted.h): a text that a bug takes out of a script, or puts in another's
 * place. So the scripts themselves stay as they are in every build. */
#include "tokens/scripts.h"

#ifdef REELGATE_TEST_BUILD
#include <string.h>

#include "base/must.h"
#include "base/planted.h"
#include "base/text.h"

struct edit { enum planted_bug bug; enum script script; const char *from, *to; };

static const struct edit EDITS[] = {
    { PLANTED_VERIFY_WITHOUT_NONCE, SCRIPT_VERIFY, "if meta[1] ~= ARGV[1] then return 'differs' end", "" },
    { PLANTED_VERIFY_WITHOUT_SERVER, SCRIPT_VERIFY, "local value = ARGV[2] ..",
      "local value = server_ids() .." },
    { PLANTED_VERIFY_WITHOUT_SERVER, SCRIPT_VERIFY, "if server_ids() ~= ARGV[2] then return 'differs' end",
      "" },
    { PLANTED_JOURNALED_UNGUARDED, SCRIPT_JOURNALED, "if not meta[1] or meta[2] ~= ARGV[1] or",
      "if false and" },
    { PLANTED_JOURNALED_UNGUARDED, SCRIPT_JOURNALED, "or match(meta[1], '[^:]*$') ~= ARGV[1] then", "then" },
    { PLANTED_HOLD_FREED_BY_CLOCK, SCRIPT_RESERVE, "return 'held ' .. answer",
      "call('PEXPIRE', KEYS[3], 2000) return 'held ' .. answer" },
    { PLANTED_DOUBLE_RELEASE, SCRIPT_SETTLE, "available, reserved = available + release, reserved - release",
      "available, reserved = available + 2 * release, reserved - release" },
    { PLANTED_SETTLED_TWICE, SCRIPT_SETTLE, "if known[2] == 'settled' then",
      "if known[2] == 'settled' then "
      "call('HINCRBY', KEYS[2], 'available', known[7]) call('HINCRBY', KEYS[2], 'granted', known[7])" },
    { PLANTED_DECIDED_ANEW, SCRIPT_RESERVE,
      "if state == 'reserved' and not known[6] and known[3] == origin then return 'held ' .. known[5] end",
      "if state == 'reserved' and not known[6] and known[3] == origin then "
      "return 'held ' .. string.gsub(known[5], '^%d+', ARGV[7]) end" },
    { PLANTED_DUPLICATE_ANSWERED, SCRIPT_RESERVE, "and not known[6] and known[3] == origin then", "then" },
    { PLANTED_BALANCE_NOT_ASKED, SCRIPT_RESERVE, "elseif available < 0 then", "elseif false then" },
    { PLANTED_BALANCE_NOT_ASKED, SCRIPT_RESERVE, "elseif available < tokens then", "elseif false then" },
};

/* Edited in place: one after the other, so several edits of a script add up. */
static void apply(const struct edit *edit, struct text *script)
{
    const char *at = strstr(script->bytes, edit->from);
    must(at && !strstr(at + 1, edit->from));         /* the script has changed: change the bug with it */
    struct text edited = { 0 };
    text_add(&edited, script->bytes, (size_t)(at - script->bytes));
    text_add_string(&edited, edit->to);
    text_add_string(&edited, at + strlen(edit->from));
    text_free(script);
    *script = edited;
}

const char *const *tokens_script_sources(void)
{
    static const char *sources[SCRIPTS];             /* made once, with the first connection; never freed */
    static struct text texts[SCRIPTS];
    for (int i = 0; i < SCRIPTS && !sources[SCRIPTS - 1]; i++) {
        text_add_string(&texts[i], script_sources[i]);
        for (size_t k = 0; k < sizeof EDITS / sizeof EDITS[0]; k++)
            if (EDITS[k].script == (enum script)i && planted_bug(EDITS[k].bug))
                apply(&EDITS[k], &texts[i]);
        sources[i] = texts[i].bytes;
    }
    return sources;
}
#endif
