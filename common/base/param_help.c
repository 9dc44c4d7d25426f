/* What --help, --version and --print-config print, from the rows alone. */
#include <stdio.h>
#include <string.h>

#include "base/param_private.h"

enum { HELP_COLUMNS = 100, HELP_INDENT = 6 };

/* Words of a sentence, wrapped and indented. */
static void add_wrapped(struct text *out, const char *sentence)
{
    int column = 0;
    for (const char *word = sentence; *word;) {
        int length = (int)strcspn(word, " ");
        if (column > 0 && column + 1 + length > HELP_COLUMNS - HELP_INDENT) {
            text_add_char(out, '\n');
            column = 0;
        }
        text_printf(out, "%*s%.*s", column > 0 ? 1 : HELP_INDENT, "", length, word);
        column += length + (column > 0 ? 1 : 0);
        word += length;
        word += strspn(word, " ");
    }
    text_add_char(out, '\n');
}

static const char *placeholder(enum param_type type)
{
    static const char *const names[] = {
        [PARAM_TEXT] = "TEXT", [PARAM_PATH] = "FILE", [PARAM_SECRET] = "FILE", [PARAM_COUNT] = "N",
        [PARAM_MS] = "DURATION", [PARAM_BOOL] = "true|false", [PARAM_CHOICE] = "CHOICE", [PARAM_URL] = "URL",
    };
    return names[type];
}

static void add_limits(const struct param *row, struct text *line)
{
    struct text allowed = { 0 };
    param_allowed(row, &allowed);
    if (row->fallback)
        text_printf(line, "Default %s", *row->fallback ? row->fallback : "empty");
    else
        text_add_string(line, "No default");
    if (allowed.length > 0)
        text_printf(line, "; %s", allowed.bytes);
    if (row->unit && row->type != PARAM_MS)      /* durations are written with theirs */
        text_printf(line, " %s", row->unit);
    text_add_string(line, ". ");
    text_free(&allowed);
}

static void add_environment(const struct param *row, struct text *line)
{
    bool secret = row->type == PARAM_SECRET;
    text_add_string(line, "Environment ");
    param_environment_name(row->name, line);
    if (row->environment)
        text_printf(line, " or %s", row->environment);
    text_printf(line, "%s", secret ? ", or either with _FILE behind it and a file's path." : ".");
}

static void add_setting(const struct param *row, struct text *out)
{
    struct text line = { 0 };
    text_add_string(out, "  ");
    param_flag_name(row->name, out);
    text_printf(out, "%s=%s\n", row->type == PARAM_SECRET ? "-file" : "", placeholder(row->type));
    add_wrapped(out, row->meaning);
    add_limits(row, &line);
    add_environment(row, &line);
    add_wrapped(out, line.bytes);
    text_free(&line);
}

void param_print_help(const struct param_reading *reading)
{
    const struct param_program *program = reading->program;
    struct text out = { 0 };
    text_printf(&out, "%s: %s\n\n", program->name, program->summary);
    if (program->examples) {
        size_t length = strlen(program->examples);
        bool ended = length > 0 && program->examples[length - 1] == '\n';
        text_printf(&out, "Examples\n%s%s\n", program->examples, ended ? "" : "\n");
    }
    text_printf(&out, "Usage\n  %s %s\n\nSettings\n", program->name, program->usage ? program->usage
                : "[SETTINGS]");
    for (int i = 0; i < reading->count; i++)
        add_setting(reading->settings[i].row, &out);
    if (reading->properties)
        text_add_string(&out, "  --kafka.PROPERTY=VALUE\n      Any property of librdkafka. Those that are "
                              "secret go into the " "file.\n");
    text_add_string(&out,
        "  --config=FILE\n      Settings as lines \"name = value\"; # begins a comment line. Environment "
        "REELGATE_CONFIG.\n"
        "  --check-config, --print-config, --help, --version\n      Check all settings and exit; print them "
        "(secrets " "redacted); this help; the versions.\n\n"
        "A flag outranks the environment, the environment the file, the file the default. A wrong setting: "
        "exit status 2.\n");
    fputs(out.bytes, stdout);
    text_free(&out);
}

void param_print_version(const struct param_program *program)
{
    printf("%s %s\n", program->name, REELGATE_VERSION);
    if (program->versions)
        printf("%s\n", program->versions());
}

/* Printed so that it can be given back with --config; what is redacted or unset is a comment. */
void param_print_config(const struct param_reading *reading)
{
    struct text out = { 0 };
    for (int i = 0; i < reading->count; i++) {
        const struct param_setting *setting = &reading->settings[i];
        if (!setting->value) {
            text_printf(&out, "# %s is not set\n", setting->row->name);
            continue;
        }
        struct text shown = { 0 };
        param_add_shown(setting->row, setting->value, &shown);
        bool redacted = strcmp(setting->value, shown.bytes ? shown.bytes : "") != 0;
        if (setting->source)
            text_printf(&out, "# from %s\n", setting->source);
        text_printf(&out, "%s%s = %s\n", redacted ? "# " : "", setting->row->name, shown.bytes ? shown.bytes
                    : "");
        text_free(&shown);
    }
    for (int i = 0; reading->properties && i < reading->properties->count; i++) {
        const struct param_property *property = &reading->properties->rows[i];
        bool secret = param_property_is_secret(property->name);
        text_printf(&out, "%skafka.%s = %s\n", secret ? "# " : "", property->name, secret ? "(redacted)"
                    : property->value);
    }
    fputs(out.bytes ? out.bytes : "", stdout);
    text_free(&out);
}
