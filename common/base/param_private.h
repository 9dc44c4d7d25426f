/* Shared by the files of param: the rows with what was found for each. */
#ifndef BASE_PARAM_PRIVATE_H
#define BASE_PARAM_PRIVATE_H

#include <stdbool.h>

#include "base/param.h"
#include "base/text.h"

enum { PARAM_NAME_MAX = 64, PARAM_FILE_BYTES_MAX = 256 * 1024, PARAM_SECRET_BYTES_MAX = 64 * 1024 };
enum { PARAM_EXIT_WRONG = 2 };

struct param_setting {
    const struct param *row;
    char *value;                /* as text; NULL: unset */
    /* "--batch-size", "REELGATE_BATCH_SIZE", "reelgate.conf:3"; NULL: the default */
    char *source;
};

struct param_reading {
    const struct param_program *program;
    struct param_setting *settings;
    int count;
    char *config_path;
    bool only_check, only_print;
    struct param_properties *properties;       /* NULL: kafka.* is refused */
};

/* Prints "<program>: ..." on one line and exits 2. */
_Noreturn void param_refuse(const struct param_reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "batch_size" -> "--batch-size" and "REELGATE_BATCH_SIZE" */
void param_flag_name(const char *name, struct text *out);
void param_environment_name(const char *name, struct text *out);

struct param_setting *param_find(const struct param_reading *reading, const char *name, size_t length);
/* The known setting that is nearest to what was written, or NULL when none is near. */
const char *param_nearest(const struct param_reading *reading, const char *wrong);

/* Takes value (copied) for a setting, or for kafka.<property>. */
void param_take(struct param_setting *setting, const char *value, const char *source);
void param_take_property(struct param_reading *reading, const char *name, const char *value,
                         const char *source);
/* The whole of a small file, without the newlines at its end; given to the caller. */
char *param_slurp(const struct param_reading *reading, const char *path, const char *wanted_by,
                  size_t bytes_max);

/* Where settings come from, from the weakest on. */
void param_read_file(struct param_reading *reading);
void param_read_environment(struct param_reading *reading);
void param_read_flags(struct param_reading *reading, int argc, char **argv);

/* Checks the setting's text and stores it in the struct, or refuses. */
void param_store(const struct param_reading *reading, const struct param_setting *setting, void *settings);
/* What a row allows, as words: "1 to 4096", "fail|resubmit", ... Appends nothing when anything goes. */
void param_allowed(const struct param *row, struct text *out);
/* The value as it may be shown: secrets and passwords inside URLs redacted. */
void param_add_shown(const struct param *row, const char *value, struct text *out);

void param_print_help(const struct param_reading *reading);
void param_print_version(const struct param_program *program);
void param_print_config(const struct param_reading *reading);

#endif
