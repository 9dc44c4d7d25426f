/* The main of a Check program with one case of tests: CHECK_MAIN("text", tcase_add_test(tests, one); ...) */
#ifndef UNIT_CHECK_MAIN_H
#define UNIT_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

#define CHECK_MAIN(name, ...) \
    int main(void) \
    { \
        Suite *suite = suite_create(name); \
        TCase *tests = tcase_create(name); \
        tcase_set_timeout(tests, 60);    /* Check's own 4 s is short on a machine with other work */ \
        __VA_ARGS__ \
        suite_add_tcase(suite, tests); \
        SRunner *runner = srunner_create(suite); \
        srunner_run_all(runner, CK_NORMAL); \
        int failed = srunner_ntests_failed(runner); \
        int ran = srunner_ntests_run(runner); \
        srunner_free(runner); \
        return failed > 0 || ran == 0 ? EXIT_FAILURE : EXIT_SUCCESS; \
    }

#define ROWS(table) ((int)(sizeof (table) / sizeof (table)[0]))

#endif
