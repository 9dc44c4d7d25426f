/* Settings: one table of rows makes the parser, --help, --print-config and the checks, so they cannot drift.
 * A setting max_in_flight is spelt --max-in-flight=N or "--max-in-flight N", REELGATE_MAX_IN_FLIGHT in the
 * environment (or the name in .environment, a name users know already), and "max_in_flight = N" in the file
 * given by --config. Flags win over environment, environment over file, file over default. A secret has a
 * _FILE twin in the environment and a -file twin as a flag. An unknown flag or file key is refused with the
 * nearest name. kafka.<property> (--kafka.x=y, file key kafka.x, never a secret on the command line) is
 * passed on to librdkafka. An empty variable in the environment counts as unset. A bool flag may stand
 * alone: --verbose is --verbose=true. A wrong setting prints one line naming the setting, its value and what
 * is allowed, and exits 2, before anything is touched. Also answered here: --help, --version, --check-config
 * (exit 0), --print-config (secrets redacted). */
#ifndef BASE_PARAM_H
#define BASE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum param_type {
    PARAM_TEXT,       /* const char *: .least empty or "1" for not empty */
    PARAM_PATH,       /* const char *: a file that must be readable when set */
    PARAM_SECRET,     /* const char *: never printed; on the command line only through its -file twin */
    PARAM_COUNT,      /* int64_t between least and most */
    /* int64_t milliseconds; 250ms, 30s, 5m, 2h, 7d are understood, a bare number is milliseconds */
    PARAM_MS, PARAM_BOOL,       /* bool: true|false */
    PARAM_CHOICE,     /* const char *: one of .choices, "fail|resubmit" */
    PARAM_URL,        /* const char *: scheme among .choices, "http|https" */
};

struct param {
    const char *name;            /* lower case with underscores, unit last */
    enum param_type type;
    const char *fallback;        /* the default, as text; NULL: none, and the setting may stay unset (NULL) */
    const char *least, *most;    /* as text, for COUNT and MS */
    const char *choices;
    const char *environment;     /* another name for it in the environment, or NULL */
    size_t offset;               /* of the field in the settings struct */
    const char *unit;            /* "ms", "tokens", ... for --help, or NULL */
    const char *meaning;         /* one sentence */
};

struct param_property { const char *name, *value; };
bool param_property_is_secret(const char *name);         /* never to be shown */
struct param_properties { struct param_property *rows; int count; };

/* Words of the command line that belong to no flag, in their order: "balance u-1". "--" ends the flags. */
struct param_words { const char **rows; int count; };

struct param_program {
    const char *name;                    /* "reelgate-admission" */
    const char *summary;                 /* one line for --help */
    const char *examples;                /* shown first in --help, or NULL */
    const char *(*versions)(void);       /* the libraries' run-time versions for --version, or NULL */
    const struct param *const *tables;   /* NULL-ended list of tables, each ended by a row without name */
    const char *usage;                   /* what follows the name in the usage line; NULL: "[SETTINGS]" */
    struct param_words *words;           /* NULL: none are taken, and one is refused */
    /* Set by --check-config instead of answering it: the program judges what rows can't (a URL's inside, the policy
     * file), says what becomes of the settings and ends by itself. NULL: it is answered here. */
    bool *only_check;
};

/* Fills settings (zeroed by the caller) from argv, environment and file, or prints and exits (0 or 2).
 * properties may be NULL where kafka.* makes no sense. Returned strings live as long as the process. */
void param_read(const struct param_program *program, int argc, char **argv, void *settings,
                struct param_properties *properties);

#endif
