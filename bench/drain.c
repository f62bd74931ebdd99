/* Many clients in one process: open connections, then read and throw away whatever comes, counting it.
 *
 * usage: drain PORT COUNT [BLOBS]
 *
 * Opens COUNT connections to 127.0.0.1:PORT. BLOBS is a file of COUNT byte strings, each behind its length (32 bits,
 * little-endian); each is sent on its connection as soon as that is open. At most OPENING are being opened at once:
 * one that has sent something is open when the first byte comes back. Says `ready` when all are open.
 *
 * Reads commands from stdin, one per line. `settle` waits until something has come since the last `settle`, and then
 * nothing for QUIET_MS; it says `TOTAL MIN MAX`, the bytes that came on all connections, on the one that got least and
 * on the one that got most, and begins to count anew. `quit`, or the end of the input, ends it. A connection that
 * ends, or a wait that lasts GIVE_UP_MS, ends it with an error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OPENING = 200, EVENTS = 512, QUIET_MS = 150, GIVE_UP_MS = 30000, COMMAND_BYTES = 64 };
static const uint32_t STDIN = UINT32_MAX; /* among the indices of connections */

struct blob {
    uint32_t length;
    char *bytes;
};

struct connection {
    int fd;
    int is_open;
    uint64_t received;
};

static struct {
    int port, count, epoll, opened, opening;
    struct connection *connections;
    struct blob *blobs; /* NULL where nothing is sent */
    int64_t last_byte_ms;
} crowd;

static void fail(const char *what)
{
    fprintf(stderr, "drain: %s: %s\n", what, errno ? strerror(errno) : "gave up");
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void raise_open_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static struct blob *read_blobs(const char *path, int count)
{
    FILE *file = fopen(path, "rb");
    struct blob *blobs = calloc(count, sizeof *blobs);
    if (file == NULL || blobs == NULL)
        fail(path);
    for (int i = 0; i < count; i++) {
        unsigned char head[4];
        if (fread(head, 1, sizeof head, file) != sizeof head)
            fail("too few blobs");
        blobs[i].length = head[0] | head[1] << 8 | head[2] << 16 | (uint32_t)head[3] << 24;
        blobs[i].bytes = malloc(blobs[i].length);
        if (blobs[i].bytes == NULL || fread(blobs[i].bytes, 1, blobs[i].length, file) != blobs[i].length)
            fail("too few blobs");
    }
    fclose(file);
    return blobs;
}

static void watch(int operation, int index, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = index};
    if (epoll_ctl(crowd.epoll, operation, crowd.connections[index].fd, &event) < 0)
        fail("epoll_ctl");
}

static void begin(int index)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(crowd.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fail("socket");
    crowd.connections[index].fd = fd;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        fail("connect");
    crowd.opening++;
    watch(EPOLL_CTL_ADD, index, EPOLLOUT);
}

static void opened(int index)
{
    crowd.connections[index].is_open = 1;
    crowd.opening--;
    crowd.opened++;
}

static void connected(int index)
{
    int fd = crowd.connections[index].fd, error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if ((errno = error) != 0)
        fail("connect");
    watch(EPOLL_CTL_MOD, index, EPOLLIN);
    if (crowd.blobs == NULL)
        opened(index);
    else if (write(fd, crowd.blobs[index].bytes, crowd.blobs[index].length) != crowd.blobs[index].length)
        fail("write");
}

static void receive(int index)
{
    static char thrown_away[65536];
    struct connection *connection = &crowd.connections[index];
    ssize_t length = read(connection->fd, thrown_away, sizeof thrown_away);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0) {
        fprintf(stderr, "drain: connection %d ended\n", index);
        exit(1);
    }
    connection->received += length;
    crowd.last_byte_ms = now_ms();
    if (!connection->is_open)
        opened(index);
}

/* Take up what happens within `timeout_ms` (-1: for ever); tell whether stdin was among it. */
static int turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int asked = 0, happened = epoll_wait(crowd.epoll, events, EVENTS, timeout_ms);
    if (happened < 0 && errno != EINTR)
        fail("epoll_wait");
    for (int i = 0; i < happened; i++) {
        if (events[i].data.u32 == STDIN)
            asked = 1;
        else if (events[i].events & EPOLLOUT)
            connected(events[i].data.u32);
        else
            receive(events[i].data.u32);
    }
    return asked;
}

static void open_all(void)
{
    int64_t give_up_at_ms = now_ms() + GIVE_UP_MS;
    int begun = 0;
    while (crowd.opened < crowd.count) {
        while (begun < crowd.count && crowd.opening < OPENING)
            begin(begun++);
        turn(100);
        if (now_ms() > give_up_at_ms) {
            errno = 0;
            fail("opening");
        }
    }
}

static void settle(void)
{
    int64_t give_up_at_ms = now_ms() + GIVE_UP_MS;
    while (crowd.last_byte_ms == 0 || now_ms() < crowd.last_byte_ms + QUIET_MS) {
        turn(10);
        if (now_ms() > give_up_at_ms) {
            errno = 0;
            fail("settle");
        }
    }
    uint64_t total = 0, min = UINT64_MAX, max = 0;
    for (int i = 0; i < crowd.count; i++) {
        uint64_t received = crowd.connections[i].received;
        total += received;
        min = received < min ? received : min;
        max = received > max ? received : max;
        crowd.connections[i].received = 0;
    }
    crowd.last_byte_ms = 0;
    printf("%llu %llu %llu\n", (unsigned long long)total, (unsigned long long)min, (unsigned long long)max);
    fflush(stdout);
}

/* Read one command byte by byte: nothing of the next one may hide in a buffer that epoll cannot see. */
static int read_command(char *line)
{
    for (int length = 0; length < COMMAND_BYTES - 1; length++) {
        if (read(STDIN_FILENO, line + length, 1) != 1)
            return 0;
        if (line[length] == '\n') {
            line[length] = 0;
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        fputs("usage: drain PORT COUNT [BLOBS]\n", stderr);
        return 2;
    }
    crowd.port = atoi(argv[1]);
    crowd.count = atoi(argv[2]);
    crowd.connections = calloc(crowd.count, sizeof *crowd.connections);
    crowd.epoll = epoll_create1(0);
    if (crowd.connections == NULL || crowd.epoll < 0)
        fail("start");
    if (argc == 4)
        crowd.blobs = read_blobs(argv[3], crowd.count);
    raise_open_files();
    open_all();
    puts("ready");
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = STDIN};
    if (epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        fail("stdin");
    char line[COMMAND_BYTES];
    for (;;) {
        if (!turn(-1))
            continue;
        if (!read_command(line) || strcmp(line, "quit") == 0)
            return 0;
        if (strcmp(line, "settle") != 0) {
            fprintf(stderr, "drain: not a command: %s\n", line);
            return 2;
        }
        settle();
    }
}
