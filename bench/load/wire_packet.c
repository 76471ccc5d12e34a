/*
 * Requests as raw Ethernet frames from invented IPv4 addresses and ports; replies from a receive
 * ring shared with the kernel (TPACKET_V2). They come from a hardware address that nobody has, and
 * the server's side must route the invented network to it, so that this machine's IP layer drops
 * the replies early, whoever looks at which of the two addresses.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Offsets in a frame: Ethernet, IPv4 without options, UDP, payload. */
enum { IP = 14, IP_SOURCE = 26, UDP = 34, PAYLOAD = 42 };
static const uint8_t NOBODY[6] = {2, 0, 0, 0, 0, 0x99}; /* as in ../lib/path.mjs */
enum { BLOCK_BYTES = 1 << 20, BLOCKS = 16, SLOT_BYTES = 512, SLOTS = BLOCK_BYTES / SLOT_BYTES * BLOCKS };

static int sender, receiver, request_bytes;
static uint8_t frames[MAX_BURST][PAYLOAD + MAX_REQUEST_BYTES];
static struct iovec parts[MAX_BURST];
static struct mmsghdr outgoing[MAX_BURST];
static uint32_t network, hosts;
static uint8_t *ring;
static unsigned next_slot;

static void store16(uint8_t *at, uint16_t value) {
  at[0] = value >> 8;
  at[1] = value;
}

static void store32(uint8_t *at, uint32_t value) {
  store16(at, value >> 16);
  store16(at + 2, value);
}

static void checksum_ip(uint8_t *header) {
  store16(header + 10, 0);
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) sum += header[i] << 8 | header[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  store16(header + 10, ~sum);
}

static int send_burst(uint8_t requests[][MAX_REQUEST_BYTES], int count) {
  for (int i = 0; i < count; i++) {
    uint8_t *frame = frames[i];
    uint64_t random = random64();
    store32(frame + IP_SOURCE, network + 1 + (uint32_t)random % hosts);
    store16(frame + UDP, 1024 + (random >> 32) % 64000);
    checksum_ip(frame + IP);
    memcpy(frame + PAYLOAD, requests[i], request_bytes);
  }
  int done = 0;
  for (int attempts = 0; done < count && attempts < 64; attempts++) {
    int sent = sendmmsg(sender, outgoing + done, count - done, 0);
    if (sent > 0) done += sent;
    else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) fail("sendmmsg");
  }
  return done;
}

static int receive_ready(reply_handler *handler) {
  int got = 0;
  for (; got < 256; got++) {
    struct tpacket2_hdr *slot = (void *)(ring + (size_t)next_slot * SLOT_BYTES);
    if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) break;
    const uint8_t *frame = (uint8_t *)slot + slot->tp_mac;
    if (slot->tp_snaplen >= PAYLOAD) {
      handler(frame + PAYLOAD, slot->tp_snaplen - PAYLOAD, slot->tp_sec * 1000000000ull + slot->tp_nsec);
    }
    __atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    next_slot = (next_slot + 1) % SLOTS;
  }
  return got;
}

static uint64_t overruns(void) {
  struct tpacket_stats statistics = {0}; /* reading resets them */
  socklen_t length = sizeof statistics;
  static uint64_t total;
  if (getsockopt(receiver, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0) total += statistics.tp_drops;
  return total;
}

static void open_receiver(int interface_index, int port) {
  /* IPv4, UDP, from the server's port; fragments and options do not occur here. */
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 5),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, UDP),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog filter = {sizeof code / sizeof code[0], code};
  struct tpacket_req request = {BLOCK_BYTES, BLOCKS, SLOT_BYTES, SLOTS};
  int version = TPACKET_V2, on = 1, stamps = SOF_TIMESTAMPING_SOFTWARE;
  receiver = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (receiver < 0) fail("packet socket (root only)");
  if (setsockopt(receiver, SOL_PACKET, PACKET_VERSION, &version, sizeof version)) fail("PACKET_VERSION");
  /* Without these two the ring holds our own requests and stamps made late. */
  if (setsockopt(receiver, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on)) fail("PACKET_IGNORE_OUTGOING");
  if (setsockopt(receiver, SOL_PACKET, PACKET_TIMESTAMP, &stamps, sizeof stamps)) fail("PACKET_TIMESTAMP");
  if (setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on)) fail("SO_TIMESTAMPNS");
  if (setsockopt(receiver, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter)) fail("SO_ATTACH_FILTER");
  if (setsockopt(receiver, SOL_PACKET, PACKET_RX_RING, &request, sizeof request)) fail("PACKET_RX_RING");
  ring = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, receiver, 0);
  if (ring == MAP_FAILED) fail("mmap");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = interface_index};
  if (bind(receiver, (struct sockaddr *)&address, sizeof address)) fail("bind of the packet socket");
}

static void open_sender(int interface_index) {
  sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: receives nothing */
  if (sender < 0) fail("packet socket (root only)");
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = interface_index};
  if (bind(sender, (struct sockaddr *)&address, sizeof address)) fail("bind of the packet socket");
  int on = 1, buffer = 4 << 20;
  setsockopt(sender, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
}

static void read_network(const char *text) {
  char address[INET_ADDRSTRLEN];
  int bits;
  struct in_addr parsed;
  if (sscanf(text, "%15[0-9.]/%d", address, &bits) != 2 || inet_pton(AF_INET, address, &parsed) != 1 || bits < 8 ||
      bits > 30) {
    errno = EINVAL;
    fail("--clients wants A.B.C.D/BITS with 8 to 30 bits");
  }
  hosts = (1u << (32 - bits)) - 2;
  network = ntohl(parsed.s_addr) & ~((1u << (32 - bits)) - 1);
}

struct wire open_packet(const struct wire_options *options) {
  unsigned mac[6];
  struct in_addr target;
  errno = EINVAL;
  if (inet_pton(AF_INET, options->target, &target) != 1) fail("--target wants an IPv4 address on this wire");
  if (!options->mac || sscanf(options->mac, "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6) {
    fail("--mac wants the server's hardware address");
  }
  read_network(options->clients);
  int interface_index = options->interface ? (int)if_nametoindex(options->interface) : 0;
  if (!interface_index) fail("--interface");

  open_receiver(interface_index, options->port);
  open_sender(interface_index);

  request_bytes = options->request_bytes;
  int frame_bytes = PAYLOAD + request_bytes;
  for (int i = 0; i < MAX_BURST; i++) {
    uint8_t *frame = frames[i];
    for (int k = 0; k < 6; k++) frame[k] = mac[k];
    memcpy(frame + 6, NOBODY, sizeof NOBODY);
    store16(frame + 12, ETH_P_IP);
    frame[IP] = 0x45;
    store16(frame + IP + 2, frame_bytes - IP);
    store16(frame + IP + 6, 0x4000); /* do not fragment */
    frame[IP + 8] = 64;
    frame[IP + 9] = IPPROTO_UDP;
    memcpy(frame + IP + 16, &target, 4);
    store16(frame + UDP + 2, options->port);
    store16(frame + UDP + 4, frame_bytes - UDP); /* checksum 0: none, as RFC 768 allows */
    parts[i] = (struct iovec){frame, frame_bytes};
    outgoing[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  return (struct wire){"packet", send_burst, receive_ready, overruns};
}
