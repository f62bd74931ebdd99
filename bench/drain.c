/* Many clients in one process: open connections, then read and throw away whatever comes, counting and timing it.
 *
 * usage: drain PORT COUNT [BLOBS]
 *
 * BLOBS is a file of COUNT byte strings, each behind its length (32 bits, little-endian); each is sent on its
 * connection as soon as that is open. Reads commands from stdin, one per line, and answers each with a line:
 *
 * `open`    opens COUNT connections to 127.0.0.1:PORT and says `ready`. At most OPENING are being opened at once: one
 *           that has sent something is open when the first byte comes back.
 * `settle`  waits until something has come since the last `settle`, and then nothing for QUIET_MS. Says `TOTAL LEAST
 *           MOST FIRST HALF LAST`: the bytes that came on all connections, on the one that got least and on the one
 *           that got most; and when the last byte had come to the first connection, to half of them, and to all of
 *           them, in nanoseconds of CLOCK_MONOTONIC, read after the read that brought it. Begins to count anew.
 * `even`    is `settle`, but goes on waiting while some have more than others, until nothing has come for UNEVEN_MS.
 * `pings`   says how many of laba's pings came since the last `pings`. Each is answered at once, and is not counted
 *           as received.
 * `quit`, or the end of the input, ends it.
 *
 * A connection that ends, or a wait that lasts GIVE_UP_MS, ends it with an error.
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

enum { OPENING = 200, EVENTS = 512, QUIET_MS = 150, UNEVEN_MS = 5000, GIVE_UP_MS = 30000, COMMAND_BYTES = 64 };
static const uint32_t STDIN = UINT32_MAX; /* among the indices of connections */

/* A ping of the Centrifuge protocol in JSON, `{}`, as a server's text frame; and the same as a client's, under the
 * mask 0. */
static const char PING[] = "\x81\x02{}", PONG[] = "\x81\x82\0\0\0\0{}";
enum { PING_BYTES = sizeof PING - 1, PONG_BYTES = sizeof PONG - 1 };

struct blob {
    uint32_t length;
    char *bytes;
};

struct connection {
    int fd;
    int is_open;
    uint64_t received;
    int64_t at_ns; /* when the last of it came; 0 for nothing */
};

static struct {
    int port, count, epoll, opened, opening;
    struct connection *connections;
    struct blob *blobs; /* NULL where nothing is sent */
    int64_t last_byte_ns;
    uint64_t pings;
} crowd;

static void fail(const char *what)
{
    fprintf(stderr, "drain: %s: %s\n", what, errno ? strerror(errno) : "gave up");
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t ms_after(int64_t since_ns)
{
    return (now_ns() - since_ns) / 1000000;
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
    if (connection->is_open && length == PING_BYTES && memcmp(thrown_away, PING, PING_BYTES) == 0) {
        crowd.pings++;
        if (write(connection->fd, PONG, PONG_BYTES) != PONG_BYTES)
            fail("pong");
        return;
    }
    connection->received += length;
    connection->at_ns = crowd.last_byte_ns = now_ns();
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
    int64_t since_ns = now_ns();
    int begun = 0;
    while (crowd.opened < crowd.count) {
        while (begun < crowd.count && crowd.opening < OPENING)
            begin(begun++);
        turn(100);
        if (ms_after(since_ns) > GIVE_UP_MS) {
            errno = 0;
            fail("opening");
        }
    }
}

static int by_value(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

/* Say what came and when, and begin to count anew. */
static void tell(void)
{
    uint64_t total = 0, least = UINT64_MAX, most = 0;
    int64_t *times = calloc(crowd.count, sizeof *times);
    if (times == NULL)
        fail("calloc");
    for (int i = 0; i < crowd.count; i++) {
        struct connection *connection = &crowd.connections[i];
        total += connection->received;
        least = connection->received < least ? connection->received : least;
        most = connection->received > most ? connection->received : most;
        times[i] = connection->at_ns;
        connection->received = connection->at_ns = 0;
    }
    qsort(times, crowd.count, sizeof *times, by_value);
    printf("%llu %llu %llu %lld %lld %lld\n", (unsigned long long)total, (unsigned long long)least,
           (unsigned long long)most, (long long)times[0], (long long)times[(crowd.count - 1) / 2],
           (long long)times[crowd.count - 1]);
    free(times);
}

static int is_even(void)
{
    for (int i = 1; i < crowd.count; i++)
        if (crowd.connections[i].received != crowd.connections[0].received)
            return 0;
    return 1;
}

static int is_quiet(int even)
{
    int64_t quiet_ms = ms_after(crowd.last_byte_ns);
    return crowd.last_byte_ns != 0 && quiet_ms >= QUIET_MS && (!even || quiet_ms >= UNEVEN_MS || is_even());
}

static void settle(int even)
{
    int64_t since_ns = now_ns();
    while (!is_quiet(even)) {
        turn(10);
        if (ms_after(since_ns) > GIVE_UP_MS) {
            errno = 0;
            fail("settle");
        }
    }
    crowd.last_byte_ns = 0;
    tell();
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

/* Do one command; tell whether there may be another. */
static int obey(const char *line)
{
    if (strcmp(line, "quit") == 0)
        return 0;
    if (strcmp(line, "open") == 0) {
        open_all();
        puts("ready");
    } else if (strcmp(line, "settle") == 0) {
        settle(0);
    } else if (strcmp(line, "even") == 0) {
        settle(1);
    } else if (strcmp(line, "pings") == 0) {
        printf("%llu\n", (unsigned long long)crowd.pings);
        crowd.pings = 0;
    } else {
        fprintf(stderr, "drain: not a command: %s\n", line);
        exit(2);
    }
    fflush(stdout);
    return 1;
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
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = STDIN};
    if (epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        fail("stdin");
    char line[COMMAND_BYTES];
    for (;;) {
        if (!turn(-1))
            continue;
        if (!read_command(line) || !obey(line))
            return 0;
    }
}
