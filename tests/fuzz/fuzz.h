/* One entry for libFuzzer, AFL++ and our own replay: feeds bytes to one reader of what comes from outside,
 * and aborts when the reader breaks a promise of its header. A sanitizer finds the rest. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#endif
