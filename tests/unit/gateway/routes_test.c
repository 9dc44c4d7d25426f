/* Every route with every role: what is not written here as allowed is refused. */
#include <string.h>

#include "gateway/routes.h"
#include "unit/check_main.h"

static const struct { const char *method, *path, *user, *support, *admin; } matrix[] = {
    { "GET",    "/v1/me",                              "yes", "yes", "yes" },
    { "GET",    "/v1/models",                          "yes", "yes", "yes" },
    { "POST",   "/v1/quotes",                          "yes", "yes", "yes" },
    { "GET",    "/v1/balance",                         "yes", "yes", "yes" },
    { "GET",    "/v1/transactions",                    "yes", "yes", "yes" },
    { "GET",    "/v1/generations",                     "yes", "yes", "yes" },
    { "POST",   "/v1/generations",                     "yes", "no",  "yes" },
    { "GET",    "/v1/generations/g-1",                 "yes", "yes", "yes" },
    { "DELETE", "/v1/generations/g-1",                 "yes", "no",  "yes" },
    { "GET",    "/v1/events",                          "yes", "yes", "yes" },
    { "POST",   "/v1/admin/grants",                    "no",  "no",  "yes" },
    { "GET",    "/v1/admin/users",                     "no",  "yes", "yes" },
    { "GET",    "/v1/admin/users/ada",                 "no",  "yes", "yes" },
    { "GET",    "/v1/admin/users/ada/transactions",    "no",  "yes", "yes" },
    { "GET",    "/v1/admin/users/ada/generations",     "no",  "yes", "yes" },
    { "GET",    "/v1/admin/generations/g-1",           "no",  "yes", "yes" },
    { "GET",    "/v1/admin/search",                    "no",  "yes", "yes" },
    { "GET",    "/v1/admin/usage",                     "no",  "yes", "yes" },
    { "GET",    "/v1/admin/funnel",                    "no",  "yes", "yes" },
    { "GET",    "/v1/admin/holds",                     "no",  "yes", "yes" },
    { "GET",    "/v1/admin/health",                    "no",  "yes", "yes" },
    { "GET",    "/v1/admin/dead-letters",              "no",  "yes", "yes" },
    { "GET",    "/v1/admin/dead-letters/1-42",         "no",  "yes", "yes" },
    { "POST",   "/v1/admin/dead-letters/1-42/redrive", "no",  "no",  "yes" },
    { "POST",   "/v1/admin/dead-letters/1-42/discard", "no",  "no",  "yes" },
};

static const struct route *find(const char *method, const char *path, bool *known)
{
    static char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1], allow[ROUTE_METHODS_BYTES];
    return route_find(method, path, parts, known, allow);
}

START_TEST(each_role_may_what_the_matrix_says)
{
    bool known;
    const struct route *route = find(matrix[_i].method, matrix[_i].path, &known);
    ck_assert_ptr_nonnull(route);
    ck_assert_int_eq(route_takes(route, ROLE_USER), matrix[_i].user[0] == 'y');
    ck_assert_int_eq(route_takes(route, ROLE_SUPPORT), matrix[_i].support[0] == 'y');
    ck_assert_int_eq(route_takes(route, ROLE_ADMIN), matrix[_i].admin[0] == 'y');
    ck_assert(!route_takes(route, ROLE_NONE));
}
END_TEST

START_TEST(each_route_is_in_the_matrix)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        int found = 0;
        for (int row = 0; row < ROWS(matrix); row++) {
            bool known;
            found += find(matrix[row].method, matrix[row].path, &known) == &ROUTES[i];
        }
        ck_assert_msg(found == 1, "%s %s is in %d rows", ROUTES[i].method, ROUTES[i].pattern, found);
    }
}
END_TEST

START_TEST(support_reads_and_never_writes)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        bool reads = strcmp(ROUTES[i].method, "GET") == 0 || strcmp(ROUTES[i].pattern, "/v1/quotes") == 0;
        ck_assert_msg(reads || !route_takes(&ROUTES[i], ROLE_SUPPORT), "%s", ROUTES[i].pattern);
        ck_assert_msg(reads || ROUTES[i].asks, "%s is not counted as asking", ROUTES[i].pattern);
        ck_assert_msg(strncmp(ROUTES[i].pattern, "/v1/admin/", 10) != 0 || !route_takes(&ROUTES[i], ROLE_USER), "%s",
                      ROUTES[i].pattern);
    }
}
END_TEST

START_TEST(no_other_path_leads_anywhere)
{
    static const char *const paths[] = {
        "", "/", "/v1", "/v1/", "/v1/me/", "/v1//me", "//v1/me", "/V1/me", "/v1/generations/", "/v1/generations/a/b",
        "/v1/generations/..", "/v1/generations/%", "/v1/generations/%4", "/v1/generations/%zz",
        "/v1/generations/%00", "/v1/generations/a%2Fb", "/v1/generations/a b", "/v1/admin", "/v1/admin/users/a/b",
        "/v1/generations/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (int i = 0; i < ROWS(paths); i++) {
        bool known;
        if (strcmp(paths[i], "/v1/generations/..") == 0)
            continue;                    /* dots may stand in an id: it is one, of nobody's */
        ck_assert_msg(!find("GET", paths[i], &known) && !known, "%s", paths[i]);
    }
}
END_TEST

START_TEST(ids_in_paths_are_decoded)
{
    static const struct { const char *path, *id; } rows[] = {
        { "/v1/generations/g-1", "g-1" },
        { "/v1/generations/a%3Ab", "a:b" },
        { "/v1/generations/a%3ab", "a:b" },
        { "/v1/generations/A.b_c:d-e", "A.b_c:d-e" },
    };
    char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1], allow[ROUTE_METHODS_BYTES];
    bool known;
    for (int i = 0; i < ROWS(rows); i++) {
        ck_assert_ptr_nonnull(route_find("GET", rows[i].path, parts, &known, allow));
        ck_assert_str_eq(parts[0], rows[i].id);
    }
}
END_TEST

START_TEST(another_method_is_told_which_there_are)
{
    char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1], allow[ROUTE_METHODS_BYTES];
    bool known;
    ck_assert_ptr_null(route_find("PATCH", "/v1/generations/g-1", parts, &known, allow));
    ck_assert(known);
    ck_assert_str_eq(allow, "GET, DELETE");
    ck_assert_ptr_null(route_find("get", "/v1/me", parts, &known, allow));
}
END_TEST

START_TEST(roles_are_read_strictly)
{
    ck_assert_int_eq(role_of(""), ROLE_USER);
    ck_assert_int_eq(role_of("user"), ROLE_USER);
    ck_assert_int_eq(role_of("support"), ROLE_SUPPORT);
    ck_assert_int_eq(role_of("admin"), ROLE_ADMIN);
    ck_assert_int_eq(role_of("Admin"), ROLE_NONE);
    ck_assert_int_eq(role_of("root"), ROLE_NONE);
}
END_TEST

CHECK_MAIN("routes",
    tcase_add_loop_test(tests, each_role_may_what_the_matrix_says, 0, ROWS(matrix));
    tcase_add_test(tests, each_route_is_in_the_matrix);
    tcase_add_test(tests, support_reads_and_never_writes);
    tcase_add_test(tests, no_other_path_leads_anywhere);
    tcase_add_test(tests, ids_in_paths_are_decoded);
    tcase_add_test(tests, another_method_is_told_which_there_are);
    tcase_add_test(tests, roles_are_read_strictly);)
