/* The limit of the kernel path: one bare send() per connection, and nothing else.
 *
 * usage: sendloop PORT COUNT
 *
 * Accepts COUNT connections on 127.0.0.1:PORT. Says `listening`, then `ready` when all of them are there. Reads
 * commands from stdin, one per line: `send LENGTH` sends LENGTH bytes to every connection, once, and says `sent`;
 * `quit`, or the end of the input, ends it. A send that does not take all bytes at once ends it with an error: a
 * figure in which somebody got less would be worth nothing.
 */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { BACKLOG = 4096, LONGEST = 65536 };

static char payload[LONGEST];

static void fail(const char *what)
{
    fprintf(stderr, "sendloop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

static void raise_open_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        fail("bind");
    if (listen(listener, BACKLOG) < 0)
        fail("listen");
    return listener;
}

static void accept_all(int listener, int *connections, int count)
{
    int on = 1;
    for (int i = 0; i < count; i++) {
        connections[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (connections[i] < 0)
            fail("accept");
        /* The event loop under laba sets this on every connection, too. */
        setsockopt(connections[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

static void send_all(const int *connections, int count, size_t length)
{
    for (int i = 0; i < count; i++)
        if (send(connections[i], payload, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length)
            fail("send");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: sendloop PORT COUNT\n", stderr);
        return 2;
    }
    int count = atoi(argv[2]);
    int *connections = calloc(count, sizeof *connections);
    if (connections == NULL)
        fail("calloc");
    raise_open_files();
    int listener = listen_on(atoi(argv[1]));
    say("listening");
    accept_all(listener, connections, count);
    memset(payload, 'x', sizeof payload);
    say("ready");
    char line[64];
    size_t length;
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (sscanf(line, "send %zu", &length) != 1 || length < 1 || length > LONGEST) {
            fprintf(stderr, "sendloop: not a command: %s", line);
            return 2;
        }
        send_all(connections, count, length);
        say("sent");
    }
    return 0;
}
