/* reelgate - the operator's command line
 *
 * Reads and writes the same topics as everybody else, and reads Redis; it has no way in that an upstream
 * service or a consumer has not, and keeps nothing. Data goes to stdout, words to stderr. What it publishes
 * may be published again with the same id: an id is answered once. Ended in the middle it leaves nothing
 * behind. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct verb *const verbs[] = {
    &verb_request, &verb_status, &verb_cancel, &verb_balance, &verb_grant, &verb_statement, &verb_audit, &verb_repair, &verb_rebuild,
    &verb_reconcile, &verb_topics, &verb_submissions, &verb_healthcheck, &verb_token,
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void print_help(void)
{
    puts("reelgate: the operator's command line of Reelgate.\n\n"
         "Examples\n"
         "  reelgate topics apply                                     create what is missing, check what is "
         "there\n" "  reelgate grant --user=u-1 --amount=10                     give tokens\n"
         "  reelgate request --user=u-1 --prompt=\"a red balloon\"      ask for a video and follow it to "
         "its end\n" "  reelgate balance u-1 --json                               one JSON object on stdout\n"
         "  reelgate audit                                            do the journal and Redis agree?\n\n"
         "Usage\n  reelgate VERB [WORDS] [SETTINGS]\n\nVerbs");
    for (int i = 0; i < VERBS; i++)
        printf("  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
    puts("\nExit status\n"
         "  0  fine; for request: completed\n"
         "  1  the answer is no: not found, a difference, a topic that could lose money, not healthy\n"
         "  2  a wrong flag or setting\n"
         "  3  rejected: insufficient_tokens\n"
         "  4  rejected or refused for another reason\n"
         "  5  the generation failed\n"
         "  6  the generation was cancelled\n"
         "  7  Kafka or Redis away, or no answer in time\n\n"
         "Each verb has its own --help. --version prints the versions.");
}

static const struct verb *find_verb(const char *name)
{
    for (int i = 0; i < VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help();
        return CLI_FINE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("reelgate %s\nlibrdkafka %s\n", REELGATE_VERSION, kafka_version());
        return CLI_FINE;
    }
    const struct verb *verb = find_verb(name);
    if (!verb) {
        fprintf(stderr, *name ? "reelgate: unknown verb \"%s\"; see reelgate --help\n"
                              : "reelgate: which verb?%s See reelgate --help\n", name);
        return CLI_USAGE;
    }
    struct cli cli;
    cli_read(&cli, verb, argc - 1, argv + 1);
    return verb->run(&cli);
}
