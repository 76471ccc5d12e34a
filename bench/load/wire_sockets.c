/* Requests over connected UDP sockets, a burst on one socket, the next burst on the next. */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SOCKETS = 1024, SLOT_BYTES = 512 };

static int sockets[MAX_SOCKETS], socket_count, next_socket, poller, request_bytes;

static struct mmsghdr outgoing[MAX_BURST], incoming[MAX_BURST];
static struct iovec outgoing_parts[MAX_BURST], incoming_parts[MAX_BURST];
static uint8_t payloads[MAX_BURST][SLOT_BYTES];
static uint8_t controls[MAX_BURST][CMSG_SPACE(sizeof(struct timespec))];

/* A closed port answers with ICMP, which the next call on a connected socket reports once. */
static int harmless(int error) {
  return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ECONNREFUSED;
}

static int send_burst(uint8_t requests[][MAX_REQUEST_BYTES], int count) {
  for (int i = 0; i < count; i++) {
    outgoing_parts[i] = (struct iovec){requests[i], request_bytes};
    outgoing[i].msg_hdr = (struct msghdr){.msg_iov = &outgoing_parts[i], .msg_iovlen = 1};
  }
  int fd = sockets[next_socket];
  next_socket = (next_socket + 1) % socket_count;
  int done = 0;
  for (int attempts = 0; done < count && attempts < 4; attempts++) {
    int sent = sendmmsg(fd, outgoing + done, count - done, 0);
    if (sent > 0) done += sent;
    else if (!harmless(errno)) fail("sendmmsg");
  }
  return done;
}

static uint64_t arrival_of(struct msghdr *header) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    return stamp.tv_sec * 1000000000ull + stamp.tv_nsec;
  }
  return realtime_ns();
}

static int receive_ready(reply_handler *handler) {
  struct epoll_event ready[16];
  int events = epoll_wait(poller, ready, 16, 0), total = 0;
  for (int e = 0; e < events; e++) {
    for (int i = 0; i < MAX_BURST; i++) {
      incoming_parts[i] = (struct iovec){payloads[i], SLOT_BYTES};
      incoming[i].msg_hdr = (struct msghdr){
          .msg_iov = &incoming_parts[i],
          .msg_iovlen = 1,
          .msg_control = controls[i],
          .msg_controllen = sizeof controls[i],
      };
    }
    int got = recvmmsg(ready[e].data.fd, incoming, MAX_BURST, MSG_DONTWAIT, NULL);
    if (got < 0 && !harmless(errno)) fail("recvmmsg");
    for (int i = 0; i < got; i++) {
      handler(payloads[i], incoming[i].msg_len, arrival_of(&incoming[i].msg_hdr));
    }
    if (got > 0) total += got;
  }
  return total;
}

/* The receive buffers hold more than can be outstanding, so nothing is lost here. */
static uint64_t no_overruns(void) { return 0; }

struct wire open_sockets(const struct wire_options *options) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(options->port)};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(options->port)};
  int is_four = inet_pton(AF_INET, options->target, &four.sin_addr) == 1;
  if (!is_four && inet_pton(AF_INET6, options->target, &six.sin6_addr) != 1) {
    errno = EINVAL;
    fail("--target wants an IP address");
  }
  struct sockaddr *target = is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six;
  socklen_t target_length = is_four ? sizeof four : sizeof six;

  socket_count = options->sockets < 1 ? 1 : options->sockets > MAX_SOCKETS ? MAX_SOCKETS : options->sockets;
  request_bytes = options->request_bytes;
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) fail("epoll_create1");
  for (int i = 0; i < socket_count; i++) {
    int fd = socket(target->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    int on = 1, buffer = 1 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer); /* capped by the kernel: fine */
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on)) fail("SO_TIMESTAMPNS");
    if (connect(fd, target, target_length)) fail("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    sockets[i] = fd;
  }
  return (struct wire){"sockets", send_burst, receive_ready, no_overruns};
}
