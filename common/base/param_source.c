/* Where settings come from: the file, the environment, the command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/param_private.h"
#include "base/xalloc.h"

static const char kafka_prefix[] = "kafka.";

void param_take(struct param_setting *setting, const char *value, const char *source)
{
    char *copy = xstrdup(value);      /* before the frees: value may be what is replaced */
    free(setting->value);
    free(setting->source);
    setting->value = copy;
    setting->source = xstrdup(source);
}

bool param_property_is_secret(const char *name)
{
    return strstr(name, "password") || strstr(name, "secret") || strstr(name, "key.pem")
        || strstr(name, "oauthbearer.config");
}

void param_take_property(struct param_reading *reading, const char *name, const char *value,
                         const char *source)
{
    struct param_properties *properties = reading->properties;
    if (!properties)
        param_refuse(reading, "unknown setting \"%s\" (%s): this program does not speak to Kafka", name,
                     source);
    name += sizeof kafka_prefix - 1;
    if (*name == '\0')
        param_refuse(reading, "\"kafka.\" (%s) names no property", source);
    for (int i = 0; i < properties->count; i++) {
        if (strcmp(properties->rows[i].name, name) == 0) {
            free((char *)properties->rows[i].value);
            properties->rows[i].value = xstrdup(value);
            return;
        }
    }
    properties->rows = xrealloc(properties->rows, ((size_t)properties->count + 1) * sizeof *properties->rows);
    properties->rows[properties->count++] = (struct param_property){ xstrdup(name), xstrdup(value) };
}

char *param_slurp(const struct param_reading *reading, const char *path, const char *wanted_by,
                  size_t bytes_max)
{
    FILE *file = fopen(path, "re");
    if (!file)
        param_refuse(reading, "%s: can't open \"%s\": %s", wanted_by, path, strerror(errno));
    char *bytes = xmalloc(bytes_max + 2);
    size_t length = fread(bytes, 1, bytes_max + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || length > bytes_max)
        param_refuse(reading, "%s: \"%s\" can't be read, or has more than %zu bytes", wanted_by, path,
                     bytes_max);
    if (memchr(bytes, '\0', length))
        param_refuse(reading, "%s: \"%s\" contains a NUL byte", wanted_by, path);
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
        length--;
    bytes[length] = '\0';
    return bytes;
}

static void take_secret_file(struct param_reading *reading, struct param_setting *setting, const char *path,
                             const char *source)
{
    char *secret = param_slurp(reading, path, source, PARAM_SECRET_BYTES_MAX);
    param_take(setting, secret, source);
    free(secret);
}

/* The setting whose secret NAME_file (or name-file) would hold, or NULL. */
static struct param_setting *find_secret_of_file(const struct param_reading *reading, const char *name,
                                                 size_t length)
{
    if (length <= 5 || strncmp(name + length - 5, "_file", 5) != 0)
        return NULL;
    struct param_setting *setting = param_find(reading, name, length - 5);
    return setting && setting->row->type == PARAM_SECRET ? setting : NULL;
}

static _Noreturn void refuse_unknown(const struct param_reading *reading, const char *name,
                                     const char *source)
{
    const char *nearest = param_nearest(reading, name);
    struct text hint = { 0 }, quoted = { 0 };
    if (nearest)
        text_printf(&hint, "; did you mean %s?", nearest);
    text_add_json(&quoted, name, strlen(name));
    param_refuse(reading, "unknown setting %s (%s)%s", quoted.bytes, source, hint.bytes ? hint.bytes
                 : "; see --help");
}

/* name = value, from the file or a flag; name is in the form of the file. */
static void take_named(struct param_reading *reading, const char *name, const char *value, const char *source)
{
    struct param_setting *setting = param_find(reading, name, strlen(name));
    struct param_setting *secret = setting ? NULL : find_secret_of_file(reading, name, strlen(name));
    if (setting)
        param_take(setting, value, source);
    else if (secret)
        take_secret_file(reading, secret, value, source);
    else if (strncmp(name, kafka_prefix, sizeof kafka_prefix - 1) == 0)
        param_take_property(reading, name, value, source);
    else
        refuse_unknown(reading, name, source);
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

void param_read_file(struct param_reading *reading)
{
    if (!reading->config_path)
        return;
    char *bytes = param_slurp(reading, reading->config_path, "--config", PARAM_FILE_BYTES_MAX);
    int number = 0;
    for (char *rest = bytes, *line; (line = strsep(&rest, "\n"));) {
        number++;
        line = trim(line);
        if (*line == '\0' || *line == '#')
            continue;
        struct text source = { 0 };
        text_printf(&source, "%s:%d", reading->config_path, number);
        char *equals = strchr(line, '=');
        if (!equals)
            param_refuse(reading, "%s: expected \"name = value\"", source.bytes);
        *equals = '\0';
        take_named(reading, trim(line), trim(equals + 1), source.bytes);
        text_free(&source);
    }
    free(bytes);
}

/* An empty variable counts as unset: compose files and unit files hand them on that way. */
static const char *environment_of(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool take_environment(struct param_reading *reading, struct param_setting *setting, const char *name)
{
    const char *value = environment_of(name);
    if (value) {
        param_take(setting, value, name);
        return true;
    }
    if (setting->row->type != PARAM_SECRET)
        return false;
    struct text twin = { 0 };
    text_printf(&twin, "%s_FILE", name);
    const char *path = environment_of(twin.bytes);
    if (path)
        take_secret_file(reading, setting, path, twin.bytes);
    text_free(&twin);
    return path != NULL;
}

void param_read_environment(struct param_reading *reading)
{
    for (int i = 0; i < reading->count; i++) {
        struct param_setting *setting = &reading->settings[i];
        struct text name = { 0 };
        param_environment_name(setting->row->name, &name);
        if (!take_environment(reading, setting, name.bytes) && setting->row->environment)
            take_environment(reading, setting, setting->row->environment);
        text_free(&name);
    }
}

/* "--max-in-flight=64" -> "max_in_flight", and where the value begins; kafka.* properties keep their
 * spelling. */
static void split_flag(const char *flag, struct text *name, const char **value)
{
    const char *equals = strchr(flag, '=');
    size_t length = equals ? (size_t)(equals - flag) : strlen(flag);
    text_add(name, flag + 2, length - 2);
    if (strncmp(name->bytes, kafka_prefix, sizeof kafka_prefix - 1) != 0)
        for (size_t i = 0; i < name->length; i++)
            if (name->bytes[i] == '-')
                name->bytes[i] = '_';
    *value = equals ? equals + 1 : NULL;
}

/* true: the flag stood in next as well. */
static bool take_flag(struct param_reading *reading, const char *flag, const char *next)
{
    struct text name = { 0 }, source = { 0 };
    const char *value;
    split_flag(flag, &name, &value);
    text_printf(&source, "%.*s", (int)strcspn(flag, "="), flag);
    struct param_setting *setting = param_find(reading, name.bytes, name.length);
    if (setting && setting->row->type == PARAM_SECRET)
        param_refuse(reading, "%s is a secret and can't stand on the command line: use %s-file or the "
                              "environment",
                     name.bytes, source.bytes);
    bool property = strncmp(name.bytes, kafka_prefix, sizeof kafka_prefix - 1) == 0;
    if (property && param_property_is_secret(name.bytes))
        param_refuse(reading, "%s is a secret and can't stand on the command line: put it into the file",
                     name.bytes);
    if (!setting && !find_secret_of_file(reading, name.bytes, name.length) && !property)
        refuse_unknown(reading, name.bytes, source.bytes);
    bool is_bool = setting && setting->row->type == PARAM_BOOL;
    bool bare_bool = !value && is_bool && (!next || (strcmp(next, "true") != 0
                                                     && strcmp(next, "false") != 0));
    bool uses_next = !value && !bare_bool;
    if (uses_next && !next)
        param_refuse(reading, "%s needs a value", source.bytes);
    take_named(reading, name.bytes, bare_bool ? "true" : uses_next ? next : value, source.bytes);
    text_free(&name);
    text_free(&source);
    return uses_next;
}

static void take_word(struct param_reading *reading, const char *word)
{
    struct param_words *words = reading->program->words;
    if (!words)
        param_refuse(reading, "unexpected word \"%s\": settings are written --name=value", word);
    words->rows = xrealloc(words->rows, ((size_t)words->count + 1) * sizeof *words->rows);
    words->rows[words->count++] = word;
}

void param_read_flags(struct param_reading *reading, int argc, char **argv)
{
    bool flags = true;
    for (int i = 1; i < argc; i++) {
        if (flags && strcmp(argv[i], "--") == 0)
            flags = false;
        else if (flags && (strcmp(argv[i], "--check-config") == 0 || strcmp(argv[i], "--print-config") == 0))
            continue;                             /* seen in the first pass, as was --config */
        else if (flags && strcmp(argv[i], "--config") == 0)
            i++;
        else if (flags && strncmp(argv[i], "--config=", 9) == 0)
            continue;
        else if (flags && strncmp(argv[i], "--", 2) == 0)
            i += take_flag(reading, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        else if (flags && argv[i][0] == '-' && argv[i][1] != '\0')
            param_refuse(reading, "unknown flag \"%s\"; see --help", argv[i]);
        else
            take_word(reading, argv[i]);
    }
}
