/* A listening TCP socket from "host:port". Private to common/http. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

/* address as in struct http_server_config. -1 and a reason when it can't be had. *port: the one that was
 * taken. */
int listen_on(const char *address, int *port, char error[200]);

#endif
