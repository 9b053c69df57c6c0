#include "redis_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_tcp(const char *host, int port) {
  char service[16];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses, *address;
  snprintf(service, sizeof service, "%d", port);
  int status = getaddrinfo(host, service, &hints, &addresses);
  if (status != 0) baseline_fail("%s: %s", host, gai_strerror(status));
  for (address = addresses; address != NULL; address = address->ai_next) {
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    if (connect(descriptor, address->ai_addr, address->ai_addrlen) == 0) {
      int on = 1;
      setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      freeaddrinfo(addresses);
      return descriptor;
    }
    close(descriptor);
  }
  baseline_fail("Redis at %s:%d cannot be reached: %s", host, port, strerror(errno));
}

redis_link redis_link_open(const baseline_job *job) {
  redis_link link = {.socket = connect_tcp(job->host, job->port), .reader = redisReaderCreate(), .capacity = 1 << 20};
  link.out = malloc(link.capacity);
  if (link.reader == NULL || link.out == NULL) baseline_fail("out of memory");
  // By default hiredis frees a buffer of more than 16 KiB whenever it has run empty.
  link.reader->maxbuf = 0;
  if (job->password != NULL) {
    redis_link_command(&link, job->user != NULL ? 3 : 2);
    redis_link_text(&link, "AUTH");
    if (job->user != NULL) redis_link_text(&link, job->user);
    redis_link_text(&link, job->password);
    redis_link_flush(&link);
    freeReplyObject(redis_link_reply(&link));
  }
  return link;
}

void redis_link_close(redis_link *link) {
  close(link->socket);
  redisReaderFree(link->reader);
  free(link->out);
}

static char *reserve(redis_link *link, size_t count) {
  if (link->used + count > link->capacity) {
    link->capacity = 2 * (link->used + count);
    link->out = realloc(link->out, link->capacity);
    if (link->out == NULL) baseline_fail("out of memory");
  }
  return link->out + link->used;
}

static char *write_digits(char *end, size_t value) {
  char digits[24];
  int count = 0;
  do digits[count++] = '0' + value % 10;
  while ((value /= 10) > 0);
  while (count > 0) *end++ = digits[--count];
  return end;
}

static char *write_prefix(char *end, char kind, size_t count) {
  *end++ = kind;
  end = write_digits(end, count);
  *end++ = '\r';
  *end++ = '\n';
  return end;
}

void redis_link_command(redis_link *link, size_t count) {
  link->used = write_prefix(reserve(link, 32), '*', count) - link->out;
}

void redis_link_argument(redis_link *link, const void *bytes, size_t count) {
  char *end = write_prefix(reserve(link, count + 34), '$', count);
  memcpy(end, bytes, count);
  end[count] = '\r';
  end[count + 1] = '\n';
  link->used = end + count + 2 - link->out;
}

void redis_link_number(redis_link *link, long number) {
  char digits[24];
  redis_link_argument(link, digits, write_digits(digits, number) - digits);
}

void redis_link_flush(redis_link *link) {
  for (size_t sent = 0; sent < link->used;) {
    ssize_t count = send(link->socket, link->out + sent, link->used - sent, MSG_NOSIGNAL);
    if (count < 0) baseline_fail("the connection to Redis broke: %s", strerror(errno));
    sent += count;
  }
  link->used = 0;
}

redisReply *redis_link_reply(redis_link *link) {
  static char chunk[256 * 1024];
  for (;;) {
    void *reply = NULL;
    if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) baseline_fail("Redis: %s", link->reader->errstr);
    if (reply != NULL) {
      redisReply *answer = reply;
      if (answer->type == REDIS_REPLY_ERROR) baseline_fail("Redis: %s", answer->str);
      return answer;
    }
    ssize_t count = recv(link->socket, chunk, sizeof chunk, 0);
    if (count <= 0) baseline_fail("the connection to Redis broke: %s", count == 0 ? "closed" : strerror(errno));
    if (redisReaderFeed(link->reader, chunk, count) != REDIS_OK) baseline_fail("Redis: %s", link->reader->errstr);
  }
}
