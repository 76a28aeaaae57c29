/* A client that never uses a connection twice: connect, request, answer, the server closes, connect again; so many
 * side by side. Latency counts from connect() to the last byte of the answer. wrk leaves connecting out of it and
 * closes first, which makes its port unusable for a while (TIME_WAIT) until there are no more; here the server closes.
 * With a file IDS each request has a head of its own. Usage: connect PORT REQUEST VALUES STATUS CONNECTIONS SECONDS [IDS] */
#define _GNU_SOURCE /* strcasestr */
#include "load.h"

struct connection {
  int fd;
  bool asked, answered;
  uint64_t began;
  struct answer answer;
};

static struct connection connections[CONNECTIONS_MAX];
static int epoll;
static size_t started, open_count; /* started: values taken */

static void start(size_t index) {
  struct connection *c = &connections[index];
  struct epoll_event event = {.events = EPOLLOUT, .data.u64 = index};
  c->asked = c->answered = false;
  c->answer.length = 0;
  c->began = now();
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket");
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) fail("connect");
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll");
  open_count++;
}

static void finish(size_t index) {
  close(connections[index].fd);
  open_count--;
}

/* True where the connection is at its end; latency is set where an answer has become whole before it. */
static bool on_event(size_t index, uint64_t *latency) {
  struct connection *c = &connections[index];
  if (!c->asked) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
    c->asked = true;
    if (send_request(c->fd, started++) && !epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event)) return false;
    socket_errors++;
    return true;
  }
  int got = receive(c->fd, &c->answer);
  if (got == 1) {
    if (!c->answered && is_whole(&c->answer)) {
      c->answered = true;
      *latency = now() - c->began;
    }
    return false;
  }
  if (got < 0 || !c->answered) socket_errors++;
  else check_status(&c->answer);
  return true;
}

int main(int argc, char **argv) {
  if (argc < 7 || argc > 8 || atoi(argv[5]) < 1 || atoi(argv[5]) > CONNECTIONS_MAX) {
    fprintf(stderr, "usage: %s PORT REQUEST VALUES STATUS CONNECTIONS SECONDS [IDS]\n", argv[0]);
    return 64;
  }
  load(argv[1], argv[2], argv[3], argv[4]);
  if (argc == 8) load_ids(argv[7]);
  size_t count = (size_t)atoi(argv[5]), answered = 0;
  uint64_t *latencies = need(calloc(value_count + 1, sizeof *latencies));
  struct epoll_event events[64];
  epoll = epoll_create1(0);
  if (value_count < count) {
    fprintf(stderr, "too few values\n");
    return 1;
  }

  bool ran_out = false;
  uint64_t began = now(), last = began, end = began + (uint64_t)(atof(argv[6]) * 1e9);
  for (size_t i = 0; i < count; i++) start(i);
  while (open_count && now() < end + PATIENCE) {
    int ready = epoll_wait(epoll, events, 64, 100);
    for (int i = 0; i < ready; i++) {
      size_t index = events[i].data.u64;
      uint64_t latency = 0;
      bool ended = on_event(index, &latency);
      if (latency) {
        latencies[answered++] = latency;
        last = now();
      }
      if (!ended) continue;
      finish(index);
      if (started + open_count >= value_count) ran_out = true; /* what is open may still have to take its value */
      else if (now() < end) start(index);
    }
  }
  timeouts = open_count;
  print_result(latencies, answered, last - began, ran_out, "");
  return 0;
}
