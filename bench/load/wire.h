/*
 * How requests get out and replies come in. Two wires exist:
 *
 *   sockets  ordinary UDP sockets, one source port each; needs no privilege, works on loopback;
 *            the kernel's UDP path costs the generator about what it costs a server
 *   packet   raw Ethernet frames from thousands of invented addresses (AF_PACKET, root, IPv4, an
 *            interface that leads to the server); cheap enough to saturate any server
 *
 * Both stamp arrivals in the kernel, so that the generator's own slowness is not in the latencies.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { HEADER_BYTES = 48, MAX_REQUEST_BYTES = 256, MAX_BURST = 64 };

/* Called for each datagram from the server; arrival_ns is CLOCK_REALTIME. */
typedef void reply_handler(const uint8_t *payload, size_t length, uint64_t arrival_ns);

struct wire_options {
  const char *target;    /* the server's IPv4 or IPv6 address (packet: IPv4) */
  int port;              /* the server's port */
  int sockets;           /* sockets: how many */
  int request_bytes;     /* length of each request */
  const char *interface; /* packet: where frames leave and arrive */
  const char *mac;       /* packet: the server's hardware address, aa:bb:cc:dd:ee:ff */
  const char *clients;   /* packet: invented source network, A.B.C.D/BITS */
};

struct wire {
  const char *name;
  /* Sends requests[0, count), count <= MAX_BURST; returns how many the kernel took. */
  int (*send)(uint8_t requests[][MAX_REQUEST_BYTES], int count);
  /* Hands over what has arrived, at most a few hundred datagrams, without waiting; returns how many. */
  int (*receive)(reply_handler *handler);
  /* Datagrams that arrived and were lost inside the generator. */
  uint64_t (*overruns)(void);
};

/* Each opens its wire, or says on stderr why it cannot and exits with status 1. */
struct wire open_sockets(const struct wire_options *options);
struct wire open_packet(const struct wire_options *options);

/* Says what failed, with errno, and exits with status 1. */
_Noreturn void fail(const char *what);

uint64_t realtime_ns(void);
uint64_t random64(void);

#endif
