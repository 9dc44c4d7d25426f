#include <string.h>

#include "gateway/keys.h"
#include "unit/check_main.h"

/* Published: an id that was made yesterday must be made tomorrow. Worked out with another SHA-256. */
START_TEST(the_rule_never_changes)
{
    char id[UUID_BYTES];
    key_id("generation", "ada", "key-1", id);
    ck_assert_str_eq(id, "e64130b5-fdba-8c32-99a0-311834022be1");
    ck_assert(id_valid(id, strlen(id)));
}
END_TEST

START_TEST(another_kind_user_or_key_is_another_id)
{
    static const char *const rows[][3] = {
        { "generation", "ada", "key-1" }, { "grant", "ada", "key-1" }, { "generation", "adak", "ey-1" },
        { "generation", "ada", "key-2" }, { "generation", "bob", "key-1" }, { "generationa", "da", "key-1" },
    };
    char ids[ROWS(rows)][UUID_BYTES];
    for (int i = 0; i < ROWS(rows); i++) {
        key_id(rows[i][0], rows[i][1], rows[i][2], ids[i]);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(ids[i], ids[j]);
    }
}
END_TEST

CHECK_MAIN("keys",
    tcase_add_test(tests, the_rule_never_changes);
    tcase_add_test(tests, another_kind_user_or_key_is_another_id);)
