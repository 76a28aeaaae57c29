/* The ceiling: what an HTTP server on libuv costs before it does anything. One loop, one thread. It finds where each
 * message ends (end of the head, Content-Length; pipelined messages too), looks at nothing else, and answers a
 * constant 201 with the header fields and the size of a real token exchange. It is a measuring rod and not a server:
 * there are no limits on time, no errors, no checks. Usage: bare PORT [close] (listens on 127.0.0.1; with `close` each
 * connection gets one answer, whatever the request says of it). */
#define _GNU_SOURCE /* memmem */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <uv.h>

#define INPUT_MAX (64 * 1024) /* a message must fit */
#define BATCH_MAX 256         /* answers in one write */

static const char body[] = "{\"data\":{\"access_token\":\"8c9378f8-e27f-4e0a-a643-d73585d1249f\","
                           "\"expires_in\":31104000,\"token_type\":\"bearer\",\"state\":\"example-state\"}}";

/* The answer, BATCH_MAX times in a row, so that a pipelined batch is one write and nothing is copied for it. Made anew
 * every second, for Date. */
static char answers[BATCH_MAX * 512];
static size_t answer_length;
static bool closes; /* after one answer */

struct connection {
  uv_tcp_t tcp; /* first: libuv's pointer to it is a pointer to the connection */
  size_t length;
  char input[INPUT_MAX];
};

struct unsent { /* what the socket did not take at once; freed once written */
  uv_write_t write;
  char bytes[];
};

static void on_closed(uv_handle_t *handle) { free(handle); }

static void hang_up(struct connection *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void make_answers(uv_timer_t *timer) {
  char date[40];
  time_t now = time(NULL);
  (void)timer;
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
  answer_length = (size_t)snprintf(answers, 512,
      "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
      "Date: %s\r\n%sContent-Length: %zu\r\n\r\n%s", date,
      closes ? "Connection: close\r\n" : "", sizeof body - 1, body);
  for (size_t i = 1; i < BATCH_MAX; i++) memcpy(answers + i * answer_length, answers, answer_length);
}

/* The bytes that the first message of the n at p takes; 0 where it is not complete, -1 where it can never be. */
static ssize_t message_length(const char *p, size_t n) {
  const char *end = memmem(p, n, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t content = 0;
  for (const char *line = memchr(p, '\n', (size_t)(end - p)); line; line = memchr(line, '\n', (size_t)(end - line))) {
    line++;
    if (!strncasecmp(line, "content-length:", 15)) { content = strtoul(line + 15, NULL, 10); break; }
  }
  if (content > INPUT_MAX) return -1;
  size_t total = (size_t)(end - p) + 4 + content;
  return total <= n ? (ssize_t)total : 0;
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  struct connection *c = (struct connection *)handle;
  (void)suggested;
  *buffer = uv_buf_init(c->input + c->length, (unsigned)(INPUT_MAX - c->length)); /* full: on_read gets UV_ENOBUFS */
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

static void on_written(uv_write_t *write, int status) {
  uv_stream_t *stream = write->handle;
  free(write);
  if (status < 0) hang_up((struct connection *)stream);
  else if (!uv_is_closing((uv_handle_t *)stream) && !uv_stream_get_write_queue_size(stream))
    uv_read_start(stream, allocate, on_read);
}

static void send_answers(struct connection *c, size_t count) {
  uv_stream_t *stream = (uv_stream_t *)&c->tcp;
  size_t length = count * answer_length, sent = 0;
  uv_buf_t all = uv_buf_init(answers, (unsigned)length);
  int r = uv_try_write(stream, &all, 1);
  if (r < 0 && r != UV_EAGAIN) { hang_up(c); return; }
  if (r > 0) sent = (size_t)r;
  if (sent == length) return;
  /* The client does not read: read no more from it until it has taken this. */
  struct unsent *rest = malloc(sizeof *rest + length - sent);
  if (!rest) abort();
  memcpy(rest->bytes, answers + sent, length - sent);
  uv_buf_t left = uv_buf_init(rest->bytes, (unsigned)(length - sent));
  uv_read_stop(stream);
  if (uv_write(&rest->write, stream, &left, 1, on_written)) { free(rest); hang_up(c); }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
  struct connection *c = (struct connection *)stream;
  (void)buffer;
  if (n < 0) { hang_up(c); return; }
  c->length += (size_t)n;
  size_t at = 0, count = 0;
  ssize_t message;
  while ((message = message_length(c->input + at, c->length - at)) > 0) {
    at += (size_t)message;
    if (closes) { send_answers(c, 1); hang_up(c); return; }
    if (++count == BATCH_MAX) { send_answers(c, count); count = 0; }
  }
  if (count) send_answers(c, count);
  if (message < 0) { hang_up(c); return; }
  c->length -= at;
  memmove(c->input, c->input + at, c->length);
}

static void on_connection(uv_stream_t *listener, int status) {
  struct connection *c = status < 0 ? NULL : malloc(sizeof *c);
  if (!c) return;
  c->length = 0;
  uv_tcp_init(listener->loop, &c->tcp);
  if (uv_accept(listener, (uv_stream_t *)&c->tcp)) { hang_up(c); return; }
  uv_tcp_nodelay(&c->tcp, 1);
  uv_read_start((uv_stream_t *)&c->tcp, allocate, on_read);
}

int main(int argc, char **argv) {
  uv_loop_t *loop = uv_default_loop();
  uv_tcp_t listener;
  uv_timer_t every_second;
  struct sockaddr_in address;
  closes = argc == 3 && !strcmp(argv[2], "close");
  if (argc != 2 + closes || uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address)) {
    fprintf(stderr, "usage: %s PORT [close]\n", argv[0]);
    return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  make_answers(NULL);
  uv_timer_init(loop, &every_second);
  uv_timer_start(&every_second, make_answers, 1000, 1000);
  uv_tcp_init(loop, &listener);
  int r = uv_tcp_bind(&listener, (struct sockaddr *)&address, 0);
  if (!r) r = uv_listen((uv_stream_t *)&listener, 4096, on_connection);
  if (r) { fprintf(stderr, "bare: %s\n", uv_strerror(r)); return 1; }
  return uv_run(loop, UV_RUN_DEFAULT);
}
