/* Bugs that the static checks must find, or tests/static/check.py fails: a check that can't fail proves nothing.
 * Never built. Each line's mark names the tool and what it must call the bug. */
#include <stdlib.h>
#include <string.h>

int planted(int count);

static int freed(void)
{
    char *text = malloc(8);
    if (!text)
        return 0;
    text[0] = 'x';
    free(text);
    return text[0];              /* clang-tidy: clang-analyzer-unix.Malloc */
}

static int uninitialised(int count)
{
    int sum;
    if (count > 3)
        sum = 1;
    return sum;                  /* clang-tidy: clang-analyzer-core.uninitialized */
}

static int compared(const char *text)
{
    return strcmp(text, "x") == -1;      /* clang-tidy: bugprone-suspicious-string-compare */
}

static void beyond(int count)
{
    char few[4];
    if (count == 4)
        few[count] = 1;          /* cppcheck: arrayIndexOutOfBounds */
    few[0] = 0;
}

static int leaked(int count)
{
    char *text = malloc(8);
    if (count == 7)
        return 1;                /* cppcheck: memleak */
    free(text);
    return 0;
}

int planted(int count)
{
    beyond(count);
    return freed() + uninitialised(count) + compared("y") + leaked(count);
}
