/* Members of rooms, and who calls to them, in one process: what is sent, and when it reached whom.
 *
 * usage: room PORT COUNT SAYINGS CALLS [MARK...]
 *
 * SAYINGS is a file of byte strings, each behind its length (32 bits, little-endian): for each of COUNT connections as
 * many as there are MARKs, at least one. A connection says the next one when the answer to the one before holds its
 * MARK; without MARKs any answer will do. It is open when the last one is answered.
 *
 * CALLS is a file of HTTP requests in the same form, each behind two more numbers of 32 bits: its level, from 0 to 2,
 * and how many connections a message of it has to reach. Each holds a `#` and DIGITS digits, which are replaced by the
 * number of the message, and nothing else that is delivered holds a `#`. They are used in turn, over at most CALLERS
 * connections, which are kept.
 *
 * Reads commands from stdin, one per line, and answers each with a line:
 *
 * `open`              opens everything, OPENING connections at once, and says `ready`.
 * `pace RATE SECONDS` makes RATE calls a second, as evenly as it can, for so long.
 * `press UNDER_WAY SECONDS` keeps so many messages under way: one that has reached its last connection is followed by
 *                     the next, at once.
 * `quit`, or the end of the input, ends it.
 *
 * `pace` and `press` wait until every message has reached everybody, or nothing has come for LOST_MS, and then say what
 * happened as one line of JSON: calls `sent`; deliveries `wanted`, `got`, and how many of them were `doubled`; `bytes`
 * that came; `seconds` from the first call to the last delivery; `answers`, `levels` (one for each) and `whole`, each
 * a list of [TENTHS_OF_MS, HOW_MANY]: from the call to its answer, from the call to each delivery, and from the call to
 * its last delivery. Times begin before the write of the call and end after the read that brought what is timed.
 *
 * A connection that ends, a call that is not answered with 200 to 202, or a wait that lasts GIVE_UP_MS, ends it with an
 * error.
 */
#define _GNU_SOURCE /* memmem */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OPENING = 200, EVENTS = 64, CALLERS = 64, LOST_MS = 5000, GIVE_UP_MS = 60000, COMMAND_BYTES = 64, DIGITS = 8 };
enum { LEVELS = 3, MOST_MESSAGES = 1 << 16, BUCKETS = 100000, BUCKET_NS = 100000, ANSWER_BYTES = 8192 };
static const uint32_t STDIN = UINT32_MAX; /* among the indices; callers come behind the connections */

struct blob {
    uint32_t length, level, wanted;
    char *bytes;
};

struct connection {
    int fd;
    int said;          /* how many of its sayings */
    int digits;        /* of a number that the last read ended in; DIGITS where none is open */
    uint32_t number;   /* as far as it is read */
    uint64_t *has;     /* a bit for each message */
};

struct caller {
    int fd;      /* -1 for none: it is connected where it is needed, for a server closes what is idle */
    int message; /* under way; -1 for none */
    int length;  /* of the answer, so far */
    char answer[ANSWER_BYTES];
};

struct message {
    int64_t sent_ns;
    uint32_t level, wanted, got;
};

static struct {
    int port, count, marks, epoll, begun, opening, opened;
    char **mark;
    struct connection *connections;
    struct blob *sayings, *calls;
    int calls_count, next_call;
    struct caller callers[CALLERS];
} house;

static struct {
    struct message *messages;
    int sent, whole, answered;
    uint64_t wanted, got, doubled, bytes;
    int64_t first_ns, last_ns;
    uint32_t answers[BUCKETS], levels[LEVELS][BUCKETS], wholes[BUCKETS];
} run;

static void fail(const char *form, ...)
{
    va_list words;
    va_start(words, form);
    fputs("room: ", stderr);
    vfprintf(stderr, form, words);
    fputc('\n', stderr);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *room_for(size_t count, size_t size)
{
    void *place = calloc(count, size);
    if (place == NULL)
        fail("no memory");
    return place;
}

static int read_number(FILE *file, uint32_t *number)
{
    unsigned char bytes[4];
    if (fread(bytes, 1, sizeof bytes, file) != sizeof bytes)
        return 0;
    *number = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return 1;
}

/* Read a file of byte strings to its end, with the two numbers in front of each where they are calls. */
static struct blob *read_blobs(const char *path, int are_calls, int *count)
{
    FILE *file = fopen(path, "rb");
    struct blob *blobs = NULL, blob = {0};
    int held = 0;
    if (file == NULL)
        fail("%s: %s", path, strerror(errno));
    for (*count = 0;; (*count)++) {
        if (are_calls && (!read_number(file, &blob.level) || !read_number(file, &blob.wanted)))
            break;
        if (!read_number(file, &blob.length))
            break;
        blob.bytes = room_for(blob.length + 1, 1);
        if (fread(blob.bytes, 1, blob.length, file) != blob.length)
            fail("%s is cut short", path);
        if (*count == held && (blobs = realloc(blobs, (held = held ? 2 * held : 64) * sizeof *blobs)) == NULL)
            fail("no memory");
        blobs[*count] = blob;
    }
    fclose(file);
    return blobs;
}

static void watch(int operation, int fd, uint32_t index, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = index};
    if (epoll_ctl(house.epoll, operation, fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static int connecting(int flags)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(house.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0), on = 1;
    if (fd < 0 || (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS))
        fail("connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void put(int fd, const char *bytes, size_t length)
{
    if (write(fd, bytes, length) != (ssize_t)length)
        fail("write: %s", strerror(errno));
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static int sayings_each(void)
{
    return house.marks ? house.marks : 1;
}

static void say(int index)
{
    struct connection *connection = &house.connections[index];
    struct blob *saying = &house.sayings[index * sayings_each() + connection->said++];
    put(connection->fd, saying->bytes, saying->length);
}

static void begin(int index)
{
    struct connection *connection = &house.connections[index];
    connection->fd = connecting(SOCK_NONBLOCK);
    connection->digits = DIGITS;
    house.opening++;
    watch(EPOLL_CTL_ADD, connection->fd, index, EPOLLOUT);
}

static void connected(int index)
{
    watch(EPOLL_CTL_MOD, house.connections[index].fd, index, EPOLLIN);
    say(index);
}

/* Take an answer of a connection that is not open yet. */
static void answered(int index, const char *bytes, size_t length)
{
    struct connection *connection = &house.connections[index];
    if (house.marks) {
        const char *mark = house.mark[connection->said - 1];
        if (memmem(bytes, length, mark, strlen(mark)) == NULL)
            return;
    }
    if (connection->said < sayings_each()) {
        say(index);
        return;
    }
    connection->said++;
    house.opening--;
    house.opened++;
}

static int is_open(const struct connection *connection)
{
    return connection->said > sayings_each();
}

/* --- what is delivered ------------------------------------------------------------------------------------------- */

static void note(uint32_t *buckets, int64_t ns)
{
    int64_t bucket = ns / BUCKET_NS;
    buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

static void deliver(struct connection *connection, int64_t at_ns)
{
    uint32_t number = connection->number;
    if (number >= (uint32_t)run.sent)
        fail("a message of the number %u, which was not sent", number);
    struct message *message = &run.messages[number];
    uint64_t bit = (uint64_t)1 << (number % 64);
    run.got++;
    run.last_ns = at_ns;
    if (connection->has[number / 64] & bit) {
        run.doubled++;
        return;
    }
    connection->has[number / 64] |= bit;
    note(run.levels[message->level], at_ns - message->sent_ns);
    if (++message->got == message->wanted) {
        run.whole++;
        note(run.wholes, at_ns - message->sent_ns);
    }
}

static void parse(struct connection *connection, const char *at, const char *end, int64_t at_ns)
{
    for (;;) {
        while (connection->digits < DIGITS && at < end) {
            connection->number = connection->number * 10 + (uint32_t)(*at++ - '0');
            if (++connection->digits == DIGITS)
                deliver(connection, at_ns);
        }
        if (at == end || (at = memchr(at, '#', end - at)) == NULL)
            return;
        at++;
        connection->digits = 0;
        connection->number = 0;
    }
}

static void receive(int index)
{
    static char bytes[1 << 18];
    struct connection *connection = &house.connections[index];
    ssize_t length = read(connection->fd, bytes, sizeof bytes);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0)
        fail("connection %d ended", index);
    if (!is_open(connection)) {
        answered(index, bytes, length);
        return;
    }
    run.bytes += length;
    parse(connection, bytes, bytes + length, now_ns());
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static void call(struct caller *caller)
{
    struct blob *made = &house.calls[house.next_call++ % house.calls_count];
    char *place = memchr(made->bytes, '#', made->length), digits[DIGITS + 1];
    if (place == NULL || run.sent == MOST_MESSAGES)
        fail(place == NULL ? "a call without a number" : "too many messages");
    snprintf(digits, sizeof digits, "%0*d", DIGITS, run.sent);
    memcpy(place + 1, digits, DIGITS);
    struct message *message = &run.messages[run.sent];
    *message = (struct message){.sent_ns = now_ns(), .level = made->level, .wanted = made->wanted};
    if (run.sent == 0)
        run.first_ns = message->sent_ns;
    if (made->wanted == 0)
        run.whole++;
    run.wanted += made->wanted;
    caller->message = run.sent++;
    caller->length = 0;
    if (caller->fd < 0) {
        caller->fd = connecting(0);
        watch(EPOLL_CTL_ADD, caller->fd, house.count + (caller - house.callers), EPOLLIN);
    }
    put(caller->fd, made->bytes, made->length);
}

static struct caller *idle_caller(void)
{
    for (int i = 0; i < CALLERS; i++)
        if (house.callers[i].message < 0)
            return &house.callers[i];
    return NULL;
}

static void hear(struct caller *caller)
{
    ssize_t length = read(caller->fd, caller->answer + caller->length, ANSWER_BYTES - 1 - caller->length);
    if (length == 0 && caller->message < 0) {
        close(caller->fd);
        caller->fd = -1;
        return;
    }
    if (length <= 0)
        fail("a caller's connection ended");
    caller->answer[caller->length += length] = 0;
    char *body = strstr(caller->answer, "\r\n\r\n"), *said = strcasestr(caller->answer, "\r\ncontent-length:");
    if (body == NULL)
        return;
    if (said == NULL || said > body)
        fail("an answer without its length: %s", caller->answer);
    if (caller->answer + caller->length < body + 4 + atoi(said + strlen("\r\ncontent-length:")))
        return;
    if (strncmp(caller->answer, "HTTP/1.1 20", 11) != 0 || caller->answer[11] > '2')
        fail("a call was answered %s", caller->answer);
    note(run.answers, now_ns() - run.messages[caller->message].sent_ns);
    run.answered++;
    caller->message = -1;
}

/* --- turns ------------------------------------------------------------------------------------------------------- */

/* Take up what happens within `timeout_ms` (-1: for ever); tell whether stdin was among it. */
static int turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int asked = 0, happened = epoll_wait(house.epoll, events, EVENTS, timeout_ms);
    if (happened < 0 && errno != EINTR)
        fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < happened; i++) {
        uint32_t index = events[i].data.u32;
        if (index == STDIN)
            asked = 1;
        else if (index >= (uint32_t)house.count)
            hear(&house.callers[index - house.count]);
        else if (events[i].events & EPOLLOUT)
            connected(index);
        else
            receive(index);
    }
    return asked;
}

static void open_all(void)
{
    int64_t since_ns = now_ns();
    while (house.opened < house.count) {
        while (house.begun < house.count && house.opening < OPENING)
            begin(house.begun++);
        turn(100);
        if (now_ns() - since_ns > (int64_t)GIVE_UP_MS * 1000000)
            fail("%d of %d connections are open", house.opened, house.count);
    }
    for (int i = 0; i < CALLERS; i++)
        house.callers[i] = (struct caller){.fd = -1, .message = -1};
}

static void begin_run(void)
{
    struct message *messages = run.messages ? run.messages : room_for(MOST_MESSAGES, sizeof *messages);
    memset(&run, 0, sizeof run);
    run.messages = messages;
    for (int i = 0; i < house.count; i++) {
        struct connection *connection = &house.connections[i];
        free(connection->has);
        connection->has = room_for(MOST_MESSAGES / 64, sizeof *connection->has);
    }
}

/* Wait for what is under way; what has not come by then is lost. */
static void finish(void)
{
    int64_t since_ns = now_ns();
    while (run.whole < run.sent || run.answered < run.sent) {
        turn(10);
        int64_t latest_ns = run.last_ns > since_ns ? run.last_ns : since_ns;
        if (now_ns() - latest_ns > (int64_t)LOST_MS * 1000000)
            return;
    }
}

static void pace(double rate, double seconds)
{
    int64_t since_ns = now_ns();
    int most = rate * seconds;
    while (run.sent < most) {
        int64_t early_ns = since_ns + (int64_t)(run.sent / rate * 1e9) - now_ns();
        struct caller *caller = early_ns > 0 ? NULL : idle_caller();
        if (caller != NULL)
            call(caller);
        turn(early_ns > 0 ? early_ns / 1000000 : caller != NULL ? 0 : 1);
        if (now_ns() - since_ns > (int64_t)(seconds * 1e9) + (int64_t)GIVE_UP_MS * 1000000)
            fail("the calls cannot be made so fast");
    }
    finish();
}

static void press(int under_way, double seconds)
{
    int64_t since_ns = now_ns();
    while (now_ns() - since_ns < (int64_t)(seconds * 1e9)) {
        struct caller *caller;
        while (run.sent - run.whole < under_way && (caller = idle_caller()) != NULL)
            call(caller);
        turn(10);
    }
    finish();
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

static void tell_buckets(const char *name, const uint32_t *buckets)
{
    const char *before = "";
    printf("%s[", name);
    for (int i = 0; i < BUCKETS; i++)
        if (buckets[i]) {
            printf("%s[%d,%u]", before, i, buckets[i]);
            before = ",";
        }
    printf("]");
}

static void tell(void)
{
    printf("{\"sent\":%d,\"answered\":%d,\"wanted\":%llu,\"got\":%llu,\"doubled\":%llu,\"bytes\":%llu,\"seconds\":%.6f,",
           run.sent, run.answered, (unsigned long long)run.wanted, (unsigned long long)run.got,
           (unsigned long long)run.doubled, (unsigned long long)run.bytes, (run.last_ns - run.first_ns) / 1e9);
    tell_buckets("\"answers\":", run.answers);
    tell_buckets(",\"whole\":", run.wholes);
    for (int level = 0; level < LEVELS; level++)
        tell_buckets(level ? "," : ",\"levels\":[", run.levels[level]);
    puts("]}");
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
    double rate, seconds;
    int under_way;
    if (strcmp(line, "quit") == 0)
        return 0;
    if (strcmp(line, "open") == 0) {
        open_all();
        puts("ready");
    } else if (sscanf(line, "pace %lf %lf", &rate, &seconds) == 2) {
        begin_run();
        pace(rate, seconds);
        tell();
    } else if (sscanf(line, "press %d %lf", &under_way, &seconds) == 2) {
        begin_run();
        press(under_way, seconds);
        tell();
    } else {
        fail("not a command: %s", line);
    }
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fputs("usage: room PORT COUNT SAYINGS CALLS [MARK...]\n", stderr);
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int sayings;
    house.port = atoi(argv[1]);
    house.count = atoi(argv[2]);
    house.mark = argv + 5;
    house.marks = argc - 5;
    house.sayings = read_blobs(argv[3], 0, &sayings);
    house.calls = read_blobs(argv[4], 1, &house.calls_count);
    if (sayings != house.count * sayings_each() || house.calls_count == 0)
        fail("%d sayings and %d calls", sayings, house.calls_count);
    house.connections = room_for(house.count, sizeof *house.connections);
    house.epoll = epoll_create1(0);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, STDIN, EPOLLIN);
    char line[COMMAND_BYTES];
    for (;;) {
        if (!turn(-1))
            continue;
        if (!read_command(line) || !obey(line))
            return 0;
    }
}
