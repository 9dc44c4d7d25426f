/* The Lua scripts of this folder, as embedded by the build (embed.cmake). */
#ifndef TOKENS_SCRIPTS_H
#define TOKENS_SCRIPTS_H

enum script {
    SCRIPT_GUARD, SCRIPT_RESERVE, SCRIPT_SETTLE, SCRIPT_GRANT, SCRIPT_LOOKUP, SCRIPT_PROGRESS, SCRIPT_CHECK,
    SCRIPT_BEGIN, SCRIPT_EMPTY, SCRIPT_REPLAY, SCRIPT_STANDS, SCRIPT_VERIFY, SCRIPT_JOURNALED, SCRIPTS,
};

extern const char *const script_sources[SCRIPTS];

/* Those to load: these, or in a build for tests perhaps with a bug planted in one. */
#ifdef REELGATE_TEST_BUILD
const char *const *tokens_script_sources(void);
#else
static inline const char *const *tokens_script_sources(void) { return script_sources; }
#endif

#endif
