#include "sandbox/sandbox.h"

#include <string.h>

#define DOCUMENTATION "https://docs.dev.runwayml.com/api"

void answer_error(struct http_reply *reply, int status, const char *message)
{
    text_clear(&reply->text);
    reply->status = status;
    text_add_string(&reply->text, "{\"error\":");
    text_add_json(&reply->text, message, strlen(message));
    text_add_string(&reply->text, ",\"docUrl\":\"" DOCUMENTATION "\"}");
}

void answer_issues(struct http_reply *reply, const char *issues)
{
    text_clear(&reply->text);
    reply->status = 400;
    text_printf(&reply->text, "{\"error\":\"Validation of body failed\",\"issues\":[%s],\"docUrl\":\"%s\"}",
                issues, DOCUMENTATION);
}
