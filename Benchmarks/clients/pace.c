/* A client with a timetable: request number n is due n/RATE seconds after the start, whatever the answers do, on the
 * connection that has rested longest; where all are waiting for an answer it goes out late. Latency counts from the
 * time it was *due*, so a stall shows in every request that it held up, and not in one alone (wrk's closed loop would
 * ask less meanwhile). One thread, which never sleeps: a timer would be late by more than an answer takes.
 * With RATE 0 there is no timetable: each connection asks again as soon as it is answered. It does so with half the CPU
 * of wrk, so that the server, and not the client, is what is busy all the time. With a file IDS each request has a head
 * of its own; with TELL as well, each second's figures are a line "NOW {...}". A connection that the server closes as it
 * has said, or while it rests, is opened anew. In the result timeouts are all that have no answer, sent or not.
 * Usage: pace [ADDRESS:]PORT REQUEST VALUES STATUS CONNECTIONS SECONDS RATE [IDS [TELL]] */
#define _GNU_SOURCE /* strcasestr */
#include "load.h"

struct connection {
  int fd;
  uint64_t opened;
  uint64_t due; /* of the request under way; 0: none */
  struct answer answer;
};

static struct connection connections[CONNECTIONS_MAX];
static size_t resting[CONNECTIONS_MAX], rest_first, rest_count; /* a ring, longest at rest first */
static size_t connection_count, open_count;
static int epoll;

static void rest(size_t index) { resting[(rest_first + rest_count++) % connection_count] = index; }

static size_t wake(void) {
  size_t index = resting[rest_first];
  rest_first = (rest_first + 1) % connection_count;
  rest_count--;
  return index;
}

static void open_connection(size_t index) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
  if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server)) fail("connect");
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) fail("TCP_NODELAY");
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll");
  connections[index] = (struct connection){.fd = fd, .opened = now()};
  open_count++;
}

static void connect_all(void) {
  epoll = epoll_create1(0);
  for (size_t i = 0; i < connection_count; i++) {
    open_connection(i);
    rest(i);
  }
}

static void close_connection(size_t index) {
  close(connections[index].fd);
  open_count--;
}

static void reopen(size_t index) {
  close_connection(index);
  open_connection(index);
}

/* Stores the latency and returns true where an answer has become whole. */
static bool on_readable(size_t index, uint64_t *latency) {
  struct connection *c = &connections[index];
  int got = receive(c->fd, &c->answer);
  if (!got && !c->due && now() - c->opened > SECOND) { /* the server may: it was idle */
    reopen(index);
    return false;
  }
  if (got < 1 || !c->due) {
    /* The server went away, or spoke unasked. The connection does not come back; the run has failed in any case. */
    socket_errors++;
    close_connection(index);
    return false;
  }
  if (!is_whole(&c->answer)) return false;
  *latency = now() - c->due;
  check_status(&c->answer);
  if (says_close(&c->answer)) reopen(index);
  else c->due = c->answer.length = 0;
  rest(index);
  return true;
}

#define WAIT_MAX 2000000 /* microseconds; what takes longer counts as so long */
static uint32_t *waits;  /* how many answers took so many microseconds since the last line; NULL: no lines are wanted */
static size_t waited, wait_most;

static void count_wait(uint64_t latency) {
  size_t us = latency / 1000 < WAIT_MAX ? latency / 1000 : WAIT_MAX - 1;
  waits[us]++;
  waited++;
  if (us > wait_most) wait_most = us;
}

/* Prints the line and starts anew. Counting takes no sorting, which would be a pause in the load. */
static void tell(uint64_t took) {
  static const size_t wanted[] = {50, 90, 99};
  size_t found[3] = {0}, seen = 0, next = 0;
  for (size_t us = 0; waited && us <= wait_most; us++) {
    seen += waits[us];
    for (; next < 3 && seen * 100 >= wanted[next] * waited; next++) found[next] = us;
  }
  printf("NOW {\"requests\":%zu,\"seconds\":%.6f,\"p50_us\":%zu,\"p90_us\":%zu,\"p99_us\":%zu}\n", waited,
         (double)took / 1e9, found[0], found[1], found[2]);
  fflush(stdout);
  memset(waits, 0, (wait_most + 1) * sizeof *waits);
  waited = wait_most = 0;
}

int main(int argc, char **argv) {
  if (argc < 8 || argc > 10 || atof(argv[7]) < 0 || atoi(argv[5]) < 1 || atoi(argv[5]) > CONNECTIONS_MAX) {
    fprintf(stderr, "usage: %s [ADDRESS:]PORT REQUEST VALUES STATUS CONNECTIONS SECONDS RATE [IDS [TELL]]\n", argv[0]);
    return 64;
  }
  load(argv[1], argv[2], argv[3], argv[4]);
  if (argc >= 9) load_ids(argv[8]);
  connection_count = (size_t)atoi(argv[5]);
  double seconds = atof(argv[6]), rate = atof(argv[7]), interval = rate ? 1e9 / rate : 0;
  size_t wanted = rate ? (size_t)(seconds * rate) : value_count, total = wanted < value_count ? wanted : value_count;
  uint64_t *latencies = need(calloc(total + 1, sizeof *latencies));
  uint64_t *lateness = need(calloc(total + 1, sizeof *lateness));
  size_t sent = 0, answered = 0;
  if (argc == 10) waits = need(calloc(WAIT_MAX, sizeof *waits));
  struct epoll_event events[64];
  connect_all();

  uint64_t began = now(), told = began, last = began, end = began + (uint64_t)((double)total * interval) + PATIENCE;
  uint64_t enough = began + (uint64_t)(seconds * 1e9); /* without a timetable */
  if (!rate) end = enough + PATIENCE;
  while (answered < total && open_count && now() < end) {
    uint64_t due;
    if (!rate && now() >= enough) total = sent;
    while (sent < total && rest_count && (due = rate ? began + (uint64_t)((double)sent * interval) : now()) <= now()) {
      struct connection *c = &connections[wake()];
      c->due = due;
      lateness[sent] = now() - due;
      if (!send_request(c->fd, sent++)) socket_errors++;
    }
    int ready = epoll_wait(epoll, events, 64, 0);
    for (int i = 0; i < ready; i++)
      if (on_readable(events[i].data.u64, &latencies[answered])) {
        if (waits) count_wait(latencies[answered]);
        answered++;
        last = now();
      }
    if (waits && last - told >= SECOND) {
      tell(last - told);
      told = last;
    }
  }
  if (waits && last - told >= SECOND / 2) tell(last - told);
  timeouts = total - answered;
  char more[96];
  qsort(lateness, sent, sizeof *lateness, ascending);
  snprintf(more, sizeof more, ",\"late_p99_us\":%.1f,\"sent\":%zu", percentile(lateness, sent, 99), sent);
  print_result(latencies, answered, last - began, rate && total < wanted, more);
  return 0;
}
