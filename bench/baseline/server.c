/*
 * The least that a server in C can cost: recvmmsg, replies in place with the kernel's receive stamps,
 * sendmmsg; one thread, one socket, no limits, no statistics, no keys.
 *
 *   baseline --address 127.0.0.1 --port 123
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, SLOT_BYTES = 128, HEADER_BYTES = 48 };
static const uint64_t SECONDS_1900_TO_1970 = 2208988800u;

/* A stamp of the kernel, and room for the address that a request was sent to. */
enum { CONTROL_BYTES = CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct in_pktinfo)) };

static uint8_t payloads[BATCH][SLOT_BYTES];
static _Alignas(8) uint8_t controls[BATCH][CONTROL_BYTES], reply_controls[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
static struct sockaddr_in sources[BATCH];
static struct iovec parts[BATCH], reply_parts[BATCH];
static struct mmsghdr incoming[BATCH], replies[BATCH];

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "baseline: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void store_timestamp(uint8_t *at, struct timespec time) {
  uint32_t words[2] = {htonl((uint32_t)(time.tv_sec + SECONDS_1900_TO_1970)),
                       htonl((uint32_t)(((uint64_t)time.tv_nsec << 32) / 1000000000u))};
  memcpy(at, words, sizeof words);
}

/* Turns a request into the reply to it; false if it is none. */
static int answer(uint8_t *packet, size_t length, struct timespec arrival) {
  int version = packet[0] >> 3 & 7;
  if (length != HEADER_BYTES || (packet[0] & 7) != 3 || version < 1 || version > 4) return 0;
  packet[0] = version << 3 | 4;
  packet[1] = 1;
  packet[3] = (uint8_t)-25;
  memset(packet + 4, 0, 8);
  memcpy(packet + 12, "LOCL", 4);
  memcpy(packet + 24, packet + 40, 8);
  store_timestamp(packet + 16, (struct timespec){arrival.tv_sec, 0});
  store_timestamp(packet + 32, arrival);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  store_timestamp(packet + 40, now);
  return 1;
}

/* Reads the stamp, and turns the address around; the reply leaves from where the request went. */
static struct timespec read_control(struct msghdr *header, struct msghdr *reply) {
  struct timespec arrival = {0, 0};
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      memcpy(&arrival, CMSG_DATA(c), sizeof arrival);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      info.ipi_ifindex = 0;
      memcpy(CMSG_DATA((struct cmsghdr *)reply->msg_control), &info, sizeof info);
    }
  }
  if (!arrival.tv_sec) clock_gettime(CLOCK_REALTIME, &arrival);
  return arrival;
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (argc != 5 || strcmp(argv[1], "--address") || strcmp(argv[3], "--port") ||
      inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
    fputs("usage: baseline --address IPV4 --port N\n", stderr);
    return 1;
  }
  address.sin_port = htons(atoi(argv[4]));
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on)) fail("SO_TIMESTAMPNS");
  if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on)) fail("IP_PKTINFO");
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail("bind");
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){payloads[i], SLOT_BYTES};
    reply_parts[i] = (struct iovec){NULL, HEADER_BYTES};
    struct cmsghdr *c = (struct cmsghdr *)reply_controls[i];
    *c = (struct cmsghdr){CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO};
    replies[i].msg_hdr = (struct msghdr){.msg_namelen = sizeof *sources, .msg_iov = &reply_parts[i], .msg_iovlen = 1,
                                         .msg_control = c, .msg_controllen = sizeof reply_controls[i]};
  }
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      incoming[i].msg_hdr = (struct msghdr){&sources[i], sizeof *sources, &parts[i], 1, controls[i], CONTROL_BYTES, 0};
    }
    int got = recvmmsg(fd, incoming, BATCH, MSG_WAITFORONE, NULL), ready = 0;
    if (got < 0 && errno != EINTR && errno != ECONNREFUSED) fail("recvmmsg");
    for (int i = 0; i < got; i++) {
      struct timespec arrival = read_control(&incoming[i].msg_hdr, &replies[ready].msg_hdr);
      if (!answer(payloads[i], incoming[i].msg_len, arrival)) continue;
      replies[ready].msg_hdr.msg_name = &sources[i];
      reply_parts[ready++].iov_base = payloads[i];
    }
    for (int done = 0; done < ready;) {
      int sent = sendmmsg(fd, replies + done, ready - done, 0);
      done += sent > 0 ? sent : 1; /* what the kernel refuses is dropped */
    }
  }
}
