/* Replays a corpus where there is no fuzzing engine: every file of the folder as it is; those that were written by
 * hand also cut short at many places, and with random bytes changed (the others an engine has made from them, and
 * named by their SHA-1). The seed is fixed, so a failure comes again.
 *
 *     fuzz-event tests/fuzz/corpus/event
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { FILE_BYTES_MAX = 1 << 20, CUTS = 64, CHANGES = 200, BYTES_CHANGED_MAX = 8 };

/* xorshift64*: needs to be repeatable, not good. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* A copy of exactly that length, so that a sanitizer sees any step beyond it. */
static void run(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
}

/* Bytes that mean something to a JSON reader are likelier than others. */
static uint8_t likely_byte(uint64_t random)
{
    static const char special[] = "{}[]\",:\\0123456789.-+eEtfnu \n\t";
    return random % 4 == 0 ? (uint8_t)(random >> 8) : (uint8_t)special[(random >> 8) % (sizeof special - 1)];
}

static long vary(uint8_t *bytes, size_t length, uint64_t *state)
{
    long runs = 0;
    for (size_t i = 0; i < CUTS && i < length; i++, runs++)
        run(bytes, length > CUTS ? next_random(state) % length : i);
    uint8_t *changed = malloc(length > 0 ? length : 1);
    if (!changed)
        abort();
    for (int i = 0; i < CHANGES && length > 0; i++, runs++) {
        memcpy(changed, bytes, length);
        for (uint64_t count = next_random(state) % BYTES_CHANGED_MAX + 1; count > 0; count--)
            changed[next_random(state) % length] = likely_byte(next_random(state));
        run(changed, length);
    }
    free(changed);
    return runs;
}

static bool made_by_engine(const char *name)
{
    return strlen(name) == 40 && strspn(name, "0123456789abcdef") == 40;
}

static long replay_file(const char *path, bool varied, uint64_t *state)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, length);
    return 1 + (varied ? vary(bytes, length, state) : 0);
}

int main(int argc, char **argv)
{
    long files = 0, runs = 0;
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    struct dirent **entries;
    int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            files++;
            runs += replay_file(path, !made_by_engine(entries[i]->d_name), &state);
        }
        free(entries[i]);
    }
    free(entries);
    printf("%ld files, %ld inputs replayed\n", files, runs);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
