/* A very cheap chat-completions endpoint for load: one thread, epoll, keep-alive, loopback only.

   server [--port N] [--latency-ms X] [--sigma S] [--rpm N] [--tpm N] [--counting max_tokens|actual]
          [--second-slack F] [--prompt-tokens N] [--completion-tokens N] [--seed N]

   Prints "PORT n" when it listens; ends on SIGTERM or when its parent dies (Linux).

   POST .../chat/completions  the fixed answer after a latency (median X ms, lognormal with S; S = 0: always X),
                              or a 429 when the quota is used up:
     - a rolling minute: requests (rpm) and tokens (tpm), nothing over;
     - a rolling second: requests, rpm/60 * (1 + F) at most (F = 0.05).
     Tokens of a request: --prompt-tokens (0: a fifth of the body's bytes) plus max_completion_tokens on arrival
     (counting max_tokens) or plus --completion-tokens when the answer leaves (counting actual).
   GET /stats                 JSON, see stats(); times are seconds since the first arrival.
   POST /reset                forgets all counts and windows. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FDS = 16384, MINUTE = 60, BUCKETS_PER_S = 10 };
static const int64_t US = 1000000;

static double latency_ms = 50, sigma = 0, second_slack = 0.05;
static long rpm, tpm, prompt_tokens, completion_tokens = 2;
static int counts_maximum = 1;
static uint64_t random_state = 88172645463325252ull;
static volatile sig_atomic_t ending;

typedef struct { char *data; size_t used, size; } Text;
typedef struct { Text in, out; size_t sent; uint32_t life; int open; } Connection;
typedef struct { int64_t due; int fd; uint32_t life, epoch; size_t admission; int http_prompt; } Answer;
typedef struct { int64_t at; int64_t tokens; } Admission;

static Connection connections[MAX_FDS];
static Answer *heap; static size_t n_heap, heap_size;
static Admission *admitted; static size_t n_admitted, admitted_size, minute_head, second_head;
static int64_t minute_tokens, first_at, last_at;
static uint32_t epoch;
static struct { long arrived, over_minute, over_second, over_tokens, answered, broken, most_open; } counts;
static int epoll_fd;

static void *grown(void *old, size_t bytes) {
    void *new = realloc(old, bytes);
    if (!new) { perror("memory"); exit(1); }
    return new;
}
static int64_t now_us(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * US + t.tv_nsec / 1000;
}
static double uniform(void) {
    random_state ^= random_state << 13; random_state ^= random_state >> 7; random_state ^= random_state << 17;
    return ((random_state >> 11) + 1) / 9007199254740993.0;
}
static int64_t latency_us(void) {
    double normal = sigma > 0 ? sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()) : 0;
    return (int64_t)(latency_ms * 1000 * exp(sigma * normal));
}
static void append(Text *text, const char *data, size_t n) {
    if (text->used + n + 1 > text->size) {
        text->size = (text->used + n + 1) * 2;
        text->data = grown(text->data, text->size);
    }
    memcpy(text->data + text->used, data, n);
    text->used += n;
    text->data[text->used] = 0;
}
static void print(Text *text, const char *format, ...) {
    char line[1024]; va_list args; va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args); va_end(args);
    append(text, line, (size_t)n);
}

/* ---- answers that wait for their moment: a binary heap by due time ---- */
static void push(Answer answer) {
    if (n_heap == heap_size) heap = grown(heap, (heap_size = heap_size ? heap_size * 2 : 1024) * sizeof *heap);
    size_t i = n_heap++;
    for (; i && heap[(i - 1) / 2].due > answer.due; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = answer;
    if ((long)n_heap > counts.most_open) counts.most_open = (long)n_heap;
}
static Answer pop(void) {
    Answer top = heap[0], last = heap[--n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < n_heap; i = child) {
        if (child + 1 < n_heap && heap[child + 1].due < heap[child].due) child++;
        if (heap[child].due >= last.due) break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

/* ---- quota ---- */
static const char *admit(int64_t now, int64_t tokens, double *wait_s) {
    while (minute_head < n_admitted && admitted[minute_head].at <= now - MINUTE * US)
        minute_tokens -= admitted[minute_head++].tokens;
    while (second_head < n_admitted && admitted[second_head].at <= now - US) second_head++;
    double second_limit = ceil(rpm / 60.0 * (1 + second_slack));
    *wait_s = minute_head < n_admitted ? (admitted[minute_head].at + MINUTE * US - now) / 1e6 : 1;
    if (rpm && (long)(n_admitted - minute_head) >= rpm) { counts.over_minute++; return "requests"; }
    if (tpm && minute_tokens + tokens > tpm) { counts.over_tokens++; return "tokens"; }
    if (rpm && n_admitted - second_head >= second_limit) {
        *wait_s = (admitted[second_head].at + US - now) / 1e6;
        counts.over_second++;
        return "requests";
    }
    if (n_admitted == admitted_size)
        admitted = grown(admitted, (admitted_size = admitted_size ? admitted_size * 2 : 65536) * sizeof *admitted);
    admitted[n_admitted++] = (Admission){now, tokens};
    minute_tokens += tokens;
    return NULL;
}

/* ---- statistics ---- */
static void worst_window(int64_t length, long *requests, int64_t *tokens) {
    size_t head = 0; int64_t sum = 0;
    *requests = 0; *tokens = 0;
    for (size_t i = 0; i < n_admitted; i++) {
        sum += admitted[i].tokens;
        while (admitted[head].at <= admitted[i].at - length) sum -= admitted[head++].tokens;
        if ((long)(i - head + 1) > *requests) *requests = (long)(i - head + 1);
        if (sum > *tokens) *tokens = sum;
    }
}
static void stats(Text *json) {
    long second_requests, minute_requests; int64_t second_most, minute_most;
    worst_window(US, &second_requests, &second_most);
    worst_window(MINUTE * US, &minute_requests, &minute_most);
    struct rusage used; getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    print(json, "{\"arrived\":%ld,\"admitted\":%zu,\"answered\":%ld,\"open\":%zu,\"most_open\":%ld,\"broken\":%ld,",
          counts.arrived, n_admitted, counts.answered, n_heap, counts.most_open, counts.broken);
    print(json, "\"refused_minute\":%ld,\"refused_second\":%ld,\"refused_tokens\":%ld,\"cpu_s\":%.4f,",
          counts.over_minute, counts.over_second, counts.over_tokens, cpu);
    print(json, "\"first_to_last_s\":%.6f,\"worst_second\":%ld,\"worst_second_tokens\":%lld,",
          (last_at - first_at) / 1e6, second_requests, (long long)second_most);
    print(json, "\"worst_minute\":%ld,\"worst_minute_tokens\":%lld,\"per_100ms\":[",
          minute_requests, (long long)minute_most);
    size_t i = 0;
    for (int64_t end = first_at + US / BUCKETS_PER_S; i < n_admitted; end += US / BUCKETS_PER_S) {
        long n = 0;
        for (; i < n_admitted && admitted[i].at < end; i++) n++;
        print(json, i < n_admitted ? "%ld," : "%ld", n);
    }
    print(json, "],\"tokens_per_100ms\":[");
    i = 0;
    for (int64_t end = first_at + US / BUCKETS_PER_S; i < n_admitted; end += US / BUCKETS_PER_S) {
        int64_t n = 0;
        for (; i < n_admitted && admitted[i].at < end; i++) n += admitted[i].tokens;
        print(json, i < n_admitted ? "%lld," : "%lld", (long long)n);
    }
    print(json, "]}");
}
static void reset(void) {
    memset(&counts, 0, sizeof counts);
    n_admitted = minute_head = second_head = 0;
    minute_tokens = first_at = last_at = 0;
    epoch++;
}

/* ---- HTTP ---- */
static void shut(int fd) {
    Connection *c = &connections[fd];
    close(fd);
    c->open = 0; c->life++; c->in.used = c->out.used = c->sent = 0;
}
static void flush(int fd) {
    Connection *c = &connections[fd];
    while (c->sent < c->out.used) {
        ssize_t n = send(fd, c->out.data + c->sent, c->out.used - c->sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN) {
                struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.fd = fd};
                epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
            } else shut(fd);
            return;
        }
        c->sent += (size_t)n;
    }
    c->out.used = c->sent = 0;
}
static void respond(int fd, const char *status, const char *more_headers, const char *body, size_t n) {
    Text *out = &connections[fd].out;
    print(out, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nx-request-id: loopback\r\n%sContent-Length: %zu\r\n\r\n",
          status, more_headers, n);
    append(out, body, n);
    flush(fd);
}
static void answer(const Answer *a) {
    if (!connections[a->fd].open || connections[a->fd].life != a->life) {
        if (a->epoch == epoch) counts.broken++;
        return;
    }
    if (a->epoch == epoch) {
        counts.answered++;
        if (!counts_maximum) {
            admitted[a->admission].tokens += completion_tokens;
            if (a->admission >= minute_head) minute_tokens += completion_tokens;
        }
    }
    char body[768];
    int n = snprintf(body, sizeof body,
        "{\"id\":\"chatcmpl-loopback\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"loopback\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"3\",\"refusal\":null,"
        "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%d,"
        "\"completion_tokens\":%ld,\"total_tokens\":%ld,\"prompt_tokens_details\":{\"cached_tokens\":0,"
        "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
        "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\","
        "\"system_fingerprint\":\"fp_emulator_loopback\"}",
        a->http_prompt, completion_tokens, a->http_prompt + completion_tokens);
    respond(a->fd, "200 OK", "", body, (size_t)n);
}
static void chat(int fd, const char *body, size_t length) {
    int64_t now = now_us();
    long prompt = prompt_tokens ? prompt_tokens : (long)length / 5, most = completion_tokens;
    const char *limit = memmem(body, length, "\"max_completion_tokens\":", 24);
    if (limit) most = atol(limit + 24);
    if (!counts.arrived++) first_at = now;
    last_at = now;
    double wait_s = 0;
    const char *kind = admit(now, prompt + (counts_maximum ? most : 0), &wait_s);
    if (!kind) {
        push((Answer){now + latency_us(), fd, connections[fd].life, epoch, n_admitted - 1, (int)prompt});
        return;
    }
    char headers[96], text[256];
    snprintf(headers, sizeof headers, "retry-after-ms: %.0f\r\n", ceil(wait_s * 1000));
    int n = snprintf(text, sizeof text,
        "{\"error\":{\"message\":\"Rate limit reached for %s. Please try again in %.3fs.\",\"type\":\"%s\","
        "\"param\":null,\"code\":\"rate_limit_exceeded\"}}", kind, wait_s, kind);
    respond(fd, "429 Too Many Requests", headers, text, (size_t)n);
}
static void serve(int fd, const char *head, const char *body, size_t length) {
    Text json = {0};
    if (!strncmp(head, "POST /reset ", 12)) { reset(); respond(fd, "200 OK", "", "{}", 2); }
    else if (!strncmp(head, "POST ", 5)) chat(fd, body, length);
    else if (!strncmp(head, "GET /stats ", 11)) { stats(&json); respond(fd, "200 OK", "", json.data, json.used); }
    else respond(fd, "404 Not Found", "", "{}", 2);
    free(json.data);
}
static void receive(int fd) {
    Connection *c = &connections[fd];
    char piece[65536];
    ssize_t n = recv(fd, piece, sizeof piece, 0);
    if (n <= 0) { if (n == 0 || errno != EAGAIN) shut(fd); return; }
    append(&c->in, piece, (size_t)n);
    char *end;
    while (c->open && c->in.used && (end = strstr(c->in.data, "\r\n\r\n"))) {
        *end = 0;
        char *length_at = strcasestr(c->in.data, "\r\nContent-Length:");
        size_t head = (size_t)(end + 4 - c->in.data), length = length_at ? strtoul(length_at + 17, NULL, 10) : 0;
        if (c->in.used < head + length) { *end = '\r'; return; }
        uint32_t life = c->life;
        serve(fd, c->in.data, c->in.data + head, length);
        if (c->life != life) return;
        memmove(c->in.data, c->in.data + head + length, c->in.used - head - length);
        c->in.used -= head + length;
        c->in.data[c->in.used] = 0;
    }
}

static void end(int number) { (void)number; ending = 1; }
static void read_arguments(int n, char **arguments, int *port) {
    for (int i = 1; i + 1 < n; i += 2) {
        const char *name = arguments[i], *value = arguments[i + 1];
        if (!strcmp(name, "--port")) *port = atoi(value);
        else if (!strcmp(name, "--latency-ms")) latency_ms = atof(value);
        else if (!strcmp(name, "--sigma")) sigma = atof(value);
        else if (!strcmp(name, "--rpm")) rpm = atol(value);
        else if (!strcmp(name, "--tpm")) tpm = atol(value);
        else if (!strcmp(name, "--second-slack")) second_slack = atof(value);
        else if (!strcmp(name, "--prompt-tokens")) prompt_tokens = atol(value);
        else if (!strcmp(name, "--completion-tokens")) completion_tokens = atol(value);
        else if (!strcmp(name, "--counting")) counts_maximum = !strcmp(value, "max_tokens");
        else if (!strcmp(name, "--seed")) random_state += (uint64_t)atoll(value) * 2654435761u;
        else { fprintf(stderr, "unknown argument %s\n", name); exit(2); }
    }
}
static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096)) { perror("listen"); exit(1); }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("PORT %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}
static void take(int listener) {
    int yes = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FDS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        connections[fd].open = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int n_arguments, char **arguments) {
    int port = 0;
    pid_t parent = getppid();
    read_arguments(n_arguments, arguments, &port);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGTERM, end); signal(SIGINT, end);
    if (getppid() != parent) return 0;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = listening(port);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    while (!ending) {
        int64_t wait = n_heap ? heap[0].due - now_us() : US;
        int n = epoll_wait(epoll_fd, events, 256, wait <= 0 ? 0 : (int)((wait + 999) / 1000));
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { take(listener); continue; }
            if (events[i].events & EPOLLOUT) {
                struct epoll_event reading = {.events = EPOLLIN, .data.fd = fd};
                epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &reading);
                flush(fd);
            }
            if (connections[fd].open && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive(fd);
        }
        for (int64_t now = now_us(); n_heap && heap[0].due <= now;) { Answer a = pop(); answer(&a); }
    }
    return 0;
}
