/*
 * How wrong a server's time is for a client on the same machine, where the true offset is 0: the
 * client's side is stamped by the kernel, departures and arrivals, so that all error is the server's.
 *
 *   accuracy --target 127.0.0.1 --port 123 --rate 500 --seconds 1 [--transit-ns N]
 *   accuracy --target 127.0.0.1 --port 123 --first 1
 *
 * Requests leave one after the other, at random moments, --rate a second. On a veth pair the stamp
 * of an arrival is made in the call that stamped the departure, --transit-ns before it: so a reply is
 * late, its T3 after its true departure, if T3 > T4 - transit.
 *
 * With --first a request leaves each millisecond until one is answered, by --first 1 with the time, by
 * --first 2 with anything; prints when that was, in ns of CLOCK_MONOTONIC. It prints "ready" before, so that the server is started then.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER_BYTES = 48, MAX_SAMPLES = 1 << 20, MAX_FIRST_SECONDS = 30 };
static const int64_t SECOND = 1000000000, WAIT_NS = 100000000;

static struct {
  const char *target;
  int port, core, first;
  double rate, seconds;
  int64_t transit_ns;
} options = {.port = 123, .core = -1, .rate = 500, .seconds = 1};

static struct { int64_t *error, *outward, *back, *inside; int count; } samples;
static int lost, late, early;

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "accuracy: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t ns_of(struct timespec time) { return time.tv_sec * SECOND + time.tv_nsec; }

static int64_t clock_ns(clockid_t id) {
  struct timespec time;
  clock_gettime(id, &time);
  return ns_of(time);
}

static int64_t timestamp_ns(const uint8_t *at) {
  uint32_t words[2];
  memcpy(words, at, sizeof words);
  uint64_t fraction = ntohl(words[1]);
  return (int64_t)(ntohl(words[0]) - 2208988800u) * SECOND + (int64_t)((fraction * 1000000000u + (1u << 31)) >> 32);
}

static int64_t stamp_of(struct msghdr *header) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) continue;
    struct timespec stamps[3];
    memcpy(stamps, CMSG_DATA(c), sizeof stamps);
    return ns_of(stamps[0]);
  }
  return 0;
}

static int open_socket(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(options.port)};
  errno = EINVAL;
  if (inet_pton(AF_INET, options.target, &to.sin_addr) != 1) fail("--target wants an IPv4 address");
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
              SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID;
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags)) fail("SO_TIMESTAMPING");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  return fd;
}

/* The stamp of departure number `id`, if it has come; older ones are passed over. */
static int64_t departure(int fd, uint32_t id) {
  for (;;) {
    uint8_t data[64], control[512];
    struct iovec part = {data, sizeof data};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return 0;
    uint32_t found = id + 1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) continue;
      struct sock_extended_err error;
      memcpy(&error, CMSG_DATA(c), sizeof error);
      if (error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING) found = error.ee_data;
    }
    int64_t stamp = stamp_of(&header);
    if (found == id && stamp) return stamp;
  }
}

static void ask(int fd) {
  static uint32_t sent; /* the kernel counts what it took */
  uint8_t request[HEADER_BYTES] = {0x23}, reply[256];
  if (getrandom(request + 40, 8, 0) != 8) fail("getrandom");
  if (send(fd, request, sizeof request, 0) != sizeof request) {
    lost++;
    return;
  }
  uint32_t id = sent++;
  int64_t t1 = 0, t4 = 0, deadline = clock_ns(CLOCK_MONOTONIC) + WAIT_NS;
  while (!t1 || !t4) {
    int64_t left = deadline - clock_ns(CLOCK_MONOTONIC);
    if (left <= 0) break;
    struct pollfd waiting = {fd, POLLIN, 0};
    poll(&waiting, 1, 1 + left / 1000000);
    if (!t1) t1 = departure(fd, id);
    uint8_t control[512];
    struct iovec part = {reply, sizeof reply};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (!t4 && recvmsg(fd, &header, MSG_DONTWAIT) >= HEADER_BYTES && !memcmp(reply + 24, request + 40, 8)) {
      t4 = stamp_of(&header);
    }
  }
  if (!t1 || !t4) {
    lost++;
    return;
  }
  int64_t t2 = timestamp_ns(reply + 32), t3 = timestamp_ns(reply + 40), offset = ((t2 - t1) + (t3 - t4)) / 2;
  int at = samples.count++;
  samples.error[at] = offset < 0 ? -offset : offset;
  samples.outward[at] = t2 - t1;
  samples.back[at] = t4 - t3;
  samples.inside[at] = t3 - t2;
  late += t3 > t4 - options.transit_ns;
  early += t2 < t1;
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static void print_ns(const char *name, int64_t *values, const char *end) {
  int count = samples.count;
  qsort(values, count, sizeof *values, ascending);
  int64_t none = 0, *at = count ? values : &none;
  if (!count) count = 1;
  printf("\"%s\":{\"p50\":%ld,\"p95\":%ld,\"p99\":%ld}%s", name, at[count / 2], at[(int64_t)count * 95 / 100],
         at[(int64_t)count * 99 / 100], end);
}

static void find_first(int fd) {
  puts("ready");
  fflush(stdout);
  uint8_t request[HEADER_BYTES] = {0x23}, reply[256];
  memset(request + 40, 1, 8);
  for (int64_t deadline = clock_ns(CLOCK_MONOTONIC) + MAX_FIRST_SECONDS * SECOND; clock_ns(CLOCK_MONOTONIC) < deadline;) {
    int sent = send(fd, request, sizeof request, 0); /* fails while nobody listens: a packet's ICMP */
    (void)sent;
    struct pollfd waiting = {fd, POLLIN, 0};
    poll(&waiting, 1, 1);
    if (recv(fd, reply, sizeof reply, MSG_DONTWAIT) >= HEADER_BYTES && !memcmp(reply + 24, request + 40, 8) &&
        (options.first > 1 || (reply[1] && reply[0] >> 6 != 3))) {
      printf("{\"firstNs\":%ld}\n", clock_ns(CLOCK_MONOTONIC));
      return;
    }
    uint8_t control[512];
    struct iovec part = {reply, sizeof reply};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    while (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) header.msg_controllen = sizeof control;
  }
  fputs("accuracy: nobody answered\n", stderr);
  exit(1);
}

static void read_options(int argc, char **argv) {
  enum { TARGET, PORT, RATE, DURATION, TRANSIT, CORE, FIRST };
  static const struct option known[] = {
      {"target", 1, 0, TARGET}, {"port", 1, 0, PORT}, {"rate", 1, 0, RATE},   {"seconds", 1, 0, DURATION},
      {"transit-ns", 1, 0, TRANSIT}, {"core", 1, 0, CORE}, {"first", 1, 0, FIRST}, {0, 0, 0, 0}};
  for (int which; (which = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (which) {
      case TARGET: options.target = optarg; break;
      case PORT: options.port = atoi(optarg); break;
      case RATE: options.rate = atof(optarg); break;
      case DURATION: options.seconds = atof(optarg); break;
      case TRANSIT: options.transit_ns = atoll(optarg); break;
      case CORE: options.core = atoi(optarg); break;
      case FIRST: options.first = atoi(optarg); break;
      default: exit(1);
    }
  }
  if (optind < argc || !options.target || options.port < 1 || options.port > 65535 ||
      !(options.rate >= 1 && options.rate <= 1e5) || !(options.seconds > 0 && options.seconds <= 60)) {
    fputs("usage: accuracy --target IPV4 [--port N] [--rate 1…100000] [--seconds 0…60] [--transit-ns N] [--core N]\n"
          "                [--first 1]\n", stderr);
    exit(1);
  }
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(options.first ? MAX_FIRST_SECONDS + 5 : options.seconds + 10);
  if (options.core >= 0) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(options.core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores)) fail("--core");
  }
  /* Its few wake-ups do not wait for the load generator on the same core; without the right they do. */
  sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
  int fd = open_socket();
  if (options.first) return find_first(fd), 0;
  int64_t **arrays[] = {&samples.error, &samples.outward, &samples.back, &samples.inside};
  for (int i = 0; i < 4; i++) {
    if (!(*arrays[i] = malloc(MAX_SAMPLES * sizeof(int64_t)))) fail("memory");
  }
  int64_t start = clock_ns(CLOCK_MONOTONIC), next = start, end = start + options.seconds * SECOND;
  while (samples.count < MAX_SAMPLES) {
    next += SECOND / options.rate * (0.5 + drand48());
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (next < now) next = now;
    if (next > end) break;
    struct timespec until = {next / SECOND, next % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    ask(fd);
  }
  /* error: |offset|; outward: T2 - T1; back: T4 - T3; inside: T3 - T2. early: T2 before T1. */
  printf("{\"count\":%d,\"lost\":%d,\"late\":%d,\"early\":%d,", samples.count, lost, late, early);
  print_ns("errorNs", samples.error, ",");
  print_ns("outwardNs", samples.outward, ",");
  print_ns("backNs", samples.back, ",");
  print_ns("insideNs", samples.inside, "}\n");
  return 0;
}
