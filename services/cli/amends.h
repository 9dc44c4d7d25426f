/* The records that a repair writes, gathered and then written in one transaction. */
#ifndef CLI_AMENDS_H
#define CLI_AMENDS_H

#include "cli/evidence.h"

struct amend { const struct suspect *suspect; struct remedy remedy; };       /* a grant's remedy is its entry */
struct amends { const struct cli *cli; struct amend *rows; size_t count; };

void amends_open(struct amends *amends, const struct cli *cli);
void amends_close(struct amends *amends);
void amends_grant(struct amends *amends, const struct suspect *suspect);
void amends_generation(struct amends *amends, const struct suspect *suspect, const struct remedy *remedy);

struct amends_guard { void *self; bool (*unchanged)(void *self, int32_t bucket); };
/* CLI_NO: nothing was written, said why. CLI_AWAY: not known, or Kafka away. */
enum cli_exit amends_write(struct amends *amends, const struct amends_guard *guard);

#endif
