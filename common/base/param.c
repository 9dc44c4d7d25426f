#include "base/param.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/param_private.h"
#include "base/xalloc.h"

_Noreturn void param_refuse(const struct param_reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", reading->program->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(PARAM_EXIT_WRONG);
}

void param_flag_name(const char *name, struct text *out)
{
    text_add_string(out, "--");
    for (; *name; name++)
        text_add_char(out, *name == '_' ? '-' : *name);
}

void param_environment_name(const char *name, struct text *out)
{
    text_add_string(out, "REELGATE_");
    for (; *name; name++)
        text_add_char(out, (char)toupper((unsigned char)*name));
}

struct param_setting *param_find(const struct param_reading *reading, const char *name, size_t length)
{
    for (int i = 0; i < reading->count; i++) {
        const char *known = reading->settings[i].row->name;
        if (strlen(known) == length && strncmp(known, name, length) == 0)
            return &reading->settings[i];
    }
    return NULL;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of the matrix at a time. */
static int distance(const char *a, const char *b)
{
    int row[PARAM_NAME_MAX + 1];
    int width = (int)strlen(b);
    for (int j = 0; j <= width; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= width; j++) {
            int above = row[j];
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            row[j] = smaller(replaced, smaller(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[width];
}

const char *param_nearest(const struct param_reading *reading, const char *wrong)
{
    const char *nearest = NULL;
    size_t length = strlen(wrong);
    int least = (int)(length / 3 > 2 ? length / 3 : 2) + 1;      /* further away is no hint but noise */
    if (length > PARAM_NAME_MAX)
        return NULL;
    for (int i = 0; i < reading->count; i++) {
        const char *name = reading->settings[i].row->name;
        bool begins = (length >= 3 && strncmp(wrong, name, length) == 0) || strncmp(wrong, name,
                                                                                    strlen(name)) == 0;
        int here = begins ? 1 : distance(wrong, name);
        if (here < least && here < (int)strlen(name)) {
            least = here;
            nearest = name;
        }
    }
    return nearest;
}

static void collect_rows(struct param_reading *reading)
{
    const struct param *const *tables = reading->program->tables;
    for (int pass = 0, count = 0; pass < 2; pass++, count = 0) {
        for (int t = 0; tables[t]; t++) {
            for (const struct param *row = tables[t]; row->name; row++, count++) {
                must(strlen(row->name) < PARAM_NAME_MAX);
                if (pass == 1)
                    reading->settings[count] = (struct param_setting){
                        .row = row, .value = row->fallback ? xstrdup(row->fallback) : NULL };
            }
        }
        if (pass == 0) {
            reading->settings = xcalloc((size_t)count, sizeof *reading->settings);
            reading->count = count;
        }
    }
}

/* What must be known before anything else is read, or answers by itself. */
static void first_pass(struct param_reading *reading, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            param_print_help(reading);
            exit(0);
        }
        if (strcmp(argv[i], "--version") == 0) {
            param_print_version(reading->program);
            exit(0);
        }
        if (strcmp(argv[i], "--check-config") == 0)
            reading->only_check = true;
        if (strcmp(argv[i], "--print-config") == 0)
            reading->only_print = true;
        if (strncmp(argv[i], "--config=", 9) == 0)
            reading->config_path = argv[i] + 9;
        if (strcmp(argv[i], "--config") == 0) {
            if (i + 1 == argc)
                param_refuse(reading, "--config needs a file's path");
            reading->config_path = argv[++i];
        }
    }
    char *path = getenv("REELGATE_CONFIG");
    if (!reading->config_path && path && *path)
        reading->config_path = path;
}

static void finish(const struct param_reading *reading)
{
    bool *only_check = reading->program->only_check;
    if (only_check && reading->only_check && !reading->only_print) {
        *only_check = true;
        return;
    }
    if (reading->only_print)
        param_print_config(reading);
    else if (reading->only_check)
        printf("%s: configuration is good\n", reading->program->name);
    if (reading->only_print || reading->only_check)
        exit(0);
}

/* What the caller was given lives as long as the process. Held here, so that a leak checker that runs after
 * main has returned still sees an owner. */
static struct kept { struct kept *next; void *memory; } *all_kept;

static void keep(void *memory)
{
    struct kept *kept = xmalloc(sizeof *kept);
    *kept = (struct kept){ .next = all_kept, .memory = memory };
    all_kept = kept;
}

/* The texts that the settings point at stay; everything else was only for the way. */
static void reading_end(struct param_reading *reading)
{
    if (reading->properties && reading->properties->rows)
        keep(reading->properties->rows);
    if (reading->program->words && reading->program->words->rows)
        keep(reading->program->words->rows);
    for (int i = 0; i < reading->count; i++) {
        const struct param_setting *setting = &reading->settings[i];
        bool pointed_at = setting->row->type != PARAM_COUNT && setting->row->type != PARAM_MS
            && setting->row->type != PARAM_BOOL;
        if (pointed_at && setting->value)
            keep(setting->value);
        else
            free(setting->value);
        free(setting->source);
    }
    free(reading->settings);
}

void param_read(const struct param_program *program, int argc, char **argv, void *settings,
                struct param_properties *properties)
{
    struct param_reading reading = { .program = program, .properties = properties };
    collect_rows(&reading);
    first_pass(&reading, argc, argv);
    param_read_file(&reading);
    param_read_environment(&reading);
    param_read_flags(&reading, argc, argv);
    for (int i = 0; i < reading.count; i++)
        param_store(&reading, &reading.settings[i], settings);
    finish(&reading);
    reading_end(&reading);
}
