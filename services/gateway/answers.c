#include "gateway/answers.h"

#include <stdio.h>
#include <string.h>

#include "gateway/write.h"

static void answer_insufficient(struct request *request, const struct generation *generation)
{
    struct text *out = request_problem(request, PROBLEM_INSUFFICIENT_TOKENS, 0,
        "You do not have enough tokens to generate a video. Please purchase more tokens.");
    out_text(out, "userId", generation->user->id);
    out_number(out, "currentBalance", generation->current_balance);
    out_number(out, "requiredTokens", generation->required_tokens);
    out_number(out, "reservedTokens", generation->reserved_tokens);
    out_text(out, "generationId", generation->id);
    out_close(out, '}');
}

void answer_decision(struct request *request, const struct generation *generation)
{
    char location[128];
    if (generation->status == STATUS_REJECTED) {
        if (strcmp(generation->error_code, ERROR_INSUFFICIENT_TOKENS) == 0)
            answer_insufficient(request, generation);
        else
            request_invalid(request, "pointer", "", generation->error_message);
        return;
    }
    snprintf(location, sizeof location, "/v1/generations/%s", generation->id);
    http_reply_header(request->reply, "Location", location);
    if (generation->status == STATUS_PENDING)
        http_reply_header(request->reply, "Retry-After", "1");
    struct text *out = request_json(request, 202);
    write_generation(out, NULL, generation, WRITE_FOR_OWNER);
    out_close(out, '}');
}
