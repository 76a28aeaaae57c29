/* What pace.c and connect.c share: a request with a place for a value in it (a code), the values, the look at an
 * answer, and the line of JSON that measure.py reads, "RESULT {...}", as report.lua writes it for wrk. Every status is
 * looked at: both programs have the time for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define CONNECTIONS_MAX 1024
#define SECOND 1000000000ull
#define PATIENCE (2 * SECOND) /* for what is under way at the end; wrk's timeout is the same */

struct answer {
  size_t length;
  char bytes[ANSWER_MAX + 1];
};

static struct sockaddr_in server;
static const char *expected; /* status */
static char *request, *values;
static size_t request_length, value_length, value_count, value_at; /* value_at: where it goes in the request */
static char *ids; /* NULL where heads are all the same */
static size_t id_at, reference_at; /* where they go in the request */
static uint64_t bytes_read, status_errors, socket_errors, timeouts;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void *need(void *memory) {
  if (!memory) fail("memory");
  return memory;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(path);
  *length = (size_t)ftell(file);
  rewind(file);
  char *bytes = need(malloc(*length + 1));
  if (fread(bytes, 1, *length, file) != *length) fail(path);
  bytes[*length] = 0;
  fclose(file);
  return bytes;
}

/* PORT of 127.0.0.1, or ADDRESS:PORT. */
static void find_server(const char *where) {
  const char *colon = strrchr(where, ':');
  char address[INET_ADDRSTRLEN] = "127.0.0.1";
  if (colon) snprintf(address, sizeof address, "%.*s", (int)(colon - where), where);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon ? colon + 1 : where))};
  if (inet_pton(AF_INET, address, &server.sin_addr) == 1) return;
  fprintf(stderr, "%s is not ADDRESS:PORT with an IPv4 address\n", where);
  exit(64);
}

/* Values stand one a line, all of one length; the request has a run of as many question marks. */
static void load(const char *where, const char *request_path, const char *values_path, const char *status) {
  size_t length;
  find_server(where);
  expected = status;
  values = read_file(values_path, &length);
  value_length = strcspn(values, "\n");
  value_count = length / (value_length + 1);
  request = read_file(request_path, &request_length);
  char *place = need(malloc(value_length + 1));
  memset(place, '?', value_length);
  place[value_length] = 0;
  char *found = strstr(request, place);
  if (!value_length || length % (value_length + 1) || !found) {
    fprintf(stderr, "values differ in length, or the request has no place for one\n");
    exit(1);
  }
  value_at = (size_t)(found - request);
  free(place);
}

#define ID_LENGTH 36       /* a UUID */
#define REFERENCE_LENGTH 12 /* its last characters */

/* Each request gets a head of its own: the next id, one a line, where the request has as many hash signs, and the id's
 * end where it has twelve more. */
static inline void load_ids(const char *path) {
  static const char marks[] = "####################################";
  size_t length;
  ids = read_file(path, &length);
  char *id = strstr(request, marks), *reference = id ? strstr(id + ID_LENGTH, marks + ID_LENGTH - REFERENCE_LENGTH) : NULL;
  if (!reference || length / (ID_LENGTH + 1) < value_count || length % (ID_LENGTH + 1)) {
    fprintf(stderr, "too few ids, or they are no UUIDs, or the request has no place for them\n");
    exit(1);
  }
  id_at = (size_t)(id - request);
  reference_at = (size_t)(reference - request);
}

/* Sends the request with a value. False where the socket did not take it whole. */
static bool send_request(int fd, size_t value) {
  memcpy(request + value_at, values + value * (value_length + 1), value_length);
  if (ids) {
    const char *id = ids + value * (ID_LENGTH + 1);
    memcpy(request + id_at, id, ID_LENGTH);
    memcpy(request + reference_at, id + ID_LENGTH - REFERENCE_LENGTH, REFERENCE_LENGTH);
  }
  return send(fd, request, request_length, MSG_NOSIGNAL) == (ssize_t)request_length;
}

/* Reads once: 1 where there was something, 0 at the end, -1 on an error. */
static int receive(int fd, struct answer *a) {
  ssize_t n = recv(fd, a->bytes + a->length, ANSWER_MAX - a->length, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? 1 : -1;
  a->length += (size_t)n;
  a->bytes[a->length] = 0;
  bytes_read += (size_t)n;
  return n > 0;
}

/* Whether the answer is whole. More than one is none: nothing was asked for. */
static bool is_whole(const struct answer *a) {
  const char *end = strstr(a->bytes, "\r\n\r\n"), *field = strcasestr(a->bytes, "\r\nContent-Length:");
  if (!end || !field || field > end) return false;
  return a->length == (size_t)(end + 4 - a->bytes) + strtoul(field + 17, NULL, 10);
}

/* Whether the server closes the connection after this answer. */
static inline bool says_close(const struct answer *a) {
  const char *field = strcasestr(a->bytes, "\r\nConnection: close\r\n");
  return field && field < strstr(a->bytes, "\r\n\r\n") + 2;
}

/* Says on stderr what the first wrong answer was: its status, and the error's code where it has one. */
static void check_status(const struct answer *a) {
  if (!strncmp(a->bytes, "HTTP/1.1 ", 9) && !strncmp(a->bytes + 9, expected, 3)) return;
  if (status_errors++) return;
  const char *code = strstr(a->bytes, "\"code\":\"");
  if (code) code += strlen("\"code\":\"");
  fprintf(stderr, "the first of them: %.3s %.*s\n", a->length > 9 ? a->bytes + 9 : "", code ? (int)strcspn(code, "\"") : 0,
          code ? code : "");
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Of sorted samples: the least that so many per cent of them do not exceed; in microseconds. */
static double percentile(const uint64_t *sorted, size_t count, size_t wanted) {
  return count ? (double)sorted[(count * wanted + 99) / 100 - 1] / 1e3 : 0;
}

static void print_result(uint64_t *samples, size_t count, uint64_t took, bool ran_out, const char *more) {
  qsort(samples, count, sizeof *samples, ascending);
  printf("RESULT {\"requests\":%zu,\"seconds\":%.6f,\"bytes\":%llu,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"samples\":%zu,"
         "\"status_errors\":%llu,\"socket_errors\":%llu,\"timeouts\":%llu,\"ran_out\":%s%s}\n",
         count, (double)took / 1e9, (unsigned long long)bytes_read, percentile(samples, count, 50),
         percentile(samples, count, 90), percentile(samples, count, 99), count, (unsigned long long)status_errors,
         (unsigned long long)socket_errors, (unsigned long long)timeouts, ran_out ? "true" : "false", more);
}
