/* What every successful task delivers: a real two-second H.264 film, and a real picture. */
#ifndef SANDBOX_SAMPLE_H
#define SANDBOX_SAMPLE_H

#include <stddef.h>

extern const unsigned char sample_mp4[], sample_png[];
extern const size_t sample_mp4_length, sample_png_length;

#endif
