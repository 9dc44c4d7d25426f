#include "gateway/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/keys.h"

const char *const HIT_NAMES[HIT_KINDS] = {
    [HIT_USER] = "user", [HIT_GENERATION] = "generation", [HIT_TASK] = "task", [HIT_KEY] = "idempotency_key",
    [HIT_RECORD] = "record", [HIT_GRANT] = "grant", [HIT_LETTER] = "dead_letter", [HIT_PROMPT] = "prompt",
};

struct search {
    const struct view *view;
    const char *words;
    bool is_place;                       /* "reelgate.results/3@17", or the journal's short "3@17" */
    bool is_letter;                      /* "2-17" */
    int32_t partition; int64_t offset;
    const char *topic_end;               /* of the words: where the topic's name ends; NULL: none was given */
    struct hit *hits;
    size_t count, most;
};

static void add(struct search *search, struct hit hit)
{
    if (search->count < search->most)
        search->hits[search->count++] = hit;
}

static void read_place(struct search *search)
{
    int end = 0;
    const char *slash = strrchr(search->words, '/'), *numbers = slash ? slash + 1 : search->words;
    search->is_place = sscanf(numbers, "%" SCNd32 "@%" SCNd64 "%n", &search->partition, &search->offset, &end) == 2
        && numbers[end] == '\0';
    search->topic_end = search->is_place ? slash : NULL;
    if (!search->is_place)
        search->is_letter = sscanf(search->words, "%" SCNd32 "-%" SCNd64 "%n", &search->partition, &search->offset,
                                   &end) == 2 && search->words[end] == '\0';
}

/* Whatever prefix the topics have here, they end in the name of the table. */
static bool is_topic(const struct search *search, enum topic topic)
{
    const char *name = TOPICS[topic].name;
    size_t length = strlen(name);
    if (!search->topic_end)
        return topic == TOPIC_JOURNAL;
    return (size_t)(search->topic_end - search->words) >= length
        && strncmp(search->topic_end - length, name, length) == 0;
}

static bool is_record(const struct search *search, const struct fact *fact)
{
    return search->is_place && fact->partition == search->partition && fact->offset == search->offset
        && is_topic(search, fact->topic);
}

static bool has_task(const struct fact *fact, const char *task_id)
{
    struct event event;
    if (fact->type != EVENT_GENERATION_SUBMITTED || !strstr(fact->value, task_id))
        return false;
    fact_decode(fact, &event);
    bool has = strcmp(event.task_id, task_id) == 0;
    event_clear(&event);
    return has;
}

static void search_facts(struct search *search, const struct user *user)
{
    for (const struct fact *fact = user->oldest; fact; fact = fact->next) {
        struct hit hit = { .exact = true, .user = user };
        bool grant = fact->type == EVENT_TOKENS_ENTRY && strcmp(fact->id, search->words) == 0
            && !user_generation(user, fact->id);
        if (!grant && !is_record(search, fact) && !has_task(fact, search->words))
            continue;
        hit.kind = grant ? HIT_GRANT : is_record(search, fact) ? HIT_RECORD : HIT_TASK;
        hit.generation = grant ? NULL : user_generation(user, fact->id);
        add(search, hit);
    }
}

/* What only this user's own words or ids can lead to. */
static void search_user(struct search *search, const struct user *user)
{
    char made[UUID_BYTES];
    bool exact = strcmp(user->id, search->words) == 0;
    if (exact && user_is_known(user))
        add(search, (struct hit){ HIT_USER, .exact = true, .user = user });
    for (const struct generation *at = user->last; at; at = at->older)
        if (strcmp(at->id, search->words) == 0)
            add(search, (struct hit){ HIT_GENERATION, .exact = true, .user = user, .generation = at });
    key_id("generation", user->id, search->words, made);
    const struct generation *keyed = user_generation(user, made);
    if (keyed)
        add(search, (struct hit){ HIT_KEY, .exact = true, .user = user, .generation = keyed });
    search_facts(search, user);
}

static void search_letters(struct search *search)
{
    const struct view *view = search->view;
    size_t first = view->letter_count > LETTERS_MAX ? view->letter_count - LETTERS_MAX : 0;
    for (size_t at = view->letter_count; at > first; at--) {
        const struct letter *letter = &view->letters[(at - 1) % LETTERS_MAX];
        size_t topic = search->topic_end ? (size_t)(search->topic_end - search->words) : 0;
        bool came_from = topic > 0 && strlen(letter->original_topic) == topic
            && strncmp(letter->original_topic, search->words, topic) == 0
            && letter->original_partition == search->partition && letter->original_offset == search->offset;
        if (came_from || (search->is_letter && letter->partition == search->partition
                          && letter->offset == search->offset))
            add(search, (struct hit){ HIT_LETTER, .exact = true, .letter = letter });
    }
}

static void search_parts(struct search *search, const struct user *user)
{
    if (strcmp(user->id, search->words) != 0 && user_is_known(user) && strcasestr(user->id, search->words))
        add(search, (struct hit){ HIT_USER, .user = user });
    for (const struct generation *at = user->last; at && search->count < search->most; at = at->older)
        if (at->prompt && strcasestr(at->prompt, search->words))
            add(search, (struct hit){ HIT_PROMPT, .user = user, .generation = at });
}

size_t search_view(const struct view *view, const char *words, struct hit *hits, size_t most)
{
    struct search search = { .view = view, .words = words, .hits = hits, .most = most };
    read_place(&search);
    for (const struct user *user = view->freshest; user; user = user->idler)
        search_user(&search, user);
    search_letters(&search);
    for (const struct user *user = view->freshest; user; user = user->idler)
        search_parts(&search, user);
    return search.count;
}
