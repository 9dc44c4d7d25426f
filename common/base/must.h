/* Assertions that stay on in production. must() is for what we own; bytes from outside go to a decoder,
 * never here. */
#ifndef BASE_MUST_H
#define BASE_MUST_H

/* Logs file, line and the text of the condition at level fatal and aborts. */
_Noreturn void must_failed(const char *condition, const char *file, int line);

#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
#define unreachable() must_failed("unreachable", __FILE__, __LINE__)

#endif
