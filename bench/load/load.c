/*
 * Load on an NTP server: many clients' requests, in one thread, and what became of them.
 *
 *   load --target 127.0.0.1 --port 123 --window 128 --seconds 2      as fast as it answers
 *   load --target 127.0.0.1 --port 123 --rate 20000 --seconds 2      20,000 requests a second
 *
 * With --window N there are always N requests outstanding (closed loop: the rate found is what the
 * server can do). With --rate R requests leave at random moments, R a second (open loop, Poisson:
 * the latencies are what clients see that know nothing of each other).
 *
 * Each request carries a transmit timestamp that names its place in a table of outstanding
 * requests and 44 random bits. A reply counts if it is mode 4, at least 48 bytes, of a stratum that
 * is not 0 (kiss-o'-death), has a transmit timestamp, and echoes in the origin timestamp what is
 * outstanding. What is not answered within 200 ms is lost.
 *
 * Requests with more than a header come from a file (--requests), of --request-bytes each; each is
 * used again and again, so its transmit timestamp must name its place in the file as above. Replies
 * to them count only if they are as long.
 *
 * One JSON object on stdout; see print_result. Nothing runs longer than --warm + --seconds + 5 s.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "usage.h"
#include "wire.h"

enum { SLOT_BITS = 20, MAX_PIDS = 64, REPLY_STRATUM = 1, REPLY_ORIGIN = 24, REPLY_TRANSMIT = 40 };
static const uint64_t LOST_AFTER_NS = 200000000;
/* An open loop that fell this far behind leaves the missed requests out: a burst is no such load. */
static const uint64_t LATE_AFTER_NS = 2000000;

_Noreturn void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t clock_ns(clockid_t id) {
  struct timespec time;
  clock_gettime(id, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

uint64_t realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }

/* xorshift64*: the load needs variety, not secrecy. */
uint64_t random64(void) {
  static uint64_t state = 0x9e3779b97f4a7c15;
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 0x2545f4914f6cdd1d;
}

/* ---- Outstanding requests ------------------------------------------------------------------- */

struct slot {
  uint64_t transmit; /* 0: free */
  uint64_t sent_ns;  /* CLOCK_REALTIME, as are the arrivals */
};

/* Slots in the order they were used, to find those whose time is over. */
struct used {
  uint64_t transmit;
  uint64_t expires_ns; /* CLOCK_MONOTONIC */
};

static uint8_t *ready_made; /* requests of the file */
static struct slot *slots;
static uint32_t *free_slots, free_count, slot_count;
static struct used *queue;
static uint32_t queue_head, queue_length;

/* What is measured: requests sent while `measuring`, and what became of these. */
static int measuring;
static uint64_t measure_from_ns; /* CLOCK_REALTIME */
static struct {
  uint64_t sent, answered, lost, kissed, invalid, strange, unsent, skipped, in_time;
  struct histogram latency;
} result;

static void make_table(uint32_t outstanding) {
  slot_count = outstanding;
  slots = calloc(slot_count, sizeof *slots);
  free_slots = malloc(slot_count * sizeof *free_slots);
  queue = malloc(sizeof *queue << SLOT_BITS);
  if (!slots || !free_slots || !queue) fail("memory");
  while (free_count < slot_count) free_slots[free_count] = slot_count - 1 - free_count, free_count++;
}

static void release(uint32_t index) {
  slots[index].transmit = 0;
  free_slots[free_count++] = index;
}

static int request_bytes(void); /* an option */

static void take_slot(uint8_t request[MAX_REQUEST_BYTES], uint64_t sent_ns, uint64_t now_ns) {
  uint32_t index = free_slots[--free_count];
  uint64_t transmit = (random64() | 1ull << 63) >> SLOT_BITS << SLOT_BITS | index;
  if (ready_made) {
    memcpy(request, ready_made + (size_t)index * request_bytes(), request_bytes());
    memcpy(&transmit, request + REPLY_TRANSMIT, 8);
  }
  slots[index] = (struct slot){transmit, sent_ns};
  queue[(queue_head + queue_length++) & ((1u << SLOT_BITS) - 1)] = (struct used){transmit, now_ns + LOST_AFTER_NS};
  if (!ready_made) memcpy(request + REPLY_TRANSMIT, &transmit, 8);
}

static struct slot *slot_of(uint64_t transmit) {
  uint32_t index = transmit & ((1u << SLOT_BITS) - 1);
  return transmit && index < slot_count && slots[index].transmit == transmit ? &slots[index] : NULL;
}

static void expire(uint64_t now_ns) {
  while (queue_length) {
    struct used *oldest = &queue[queue_head];
    struct slot *slot = slot_of(oldest->transmit);
    if (slot) {
      if (oldest->expires_ns > now_ns && queue_length < 1u << SLOT_BITS) return;
      if (slot->sent_ns >= measure_from_ns && measure_from_ns) result.lost++;
      release(slot - slots);
    }
    queue_head = (queue_head + 1) & ((1u << SLOT_BITS) - 1);
    queue_length--;
  }
}

static int any_stratum; /* an option */

static void handle_reply(const uint8_t *reply, size_t length, uint64_t arrival_ns) {
  uint64_t origin, transmit;
  if (length < HEADER_BYTES || (ready_made && length != (size_t)request_bytes()) || (reply[0] & 7) != 4) {
    result.invalid += measuring;
    return;
  }
  memcpy(&origin, reply + REPLY_ORIGIN, 8);
  memcpy(&transmit, reply + REPLY_TRANSMIT, 8);
  struct slot *slot = slot_of(origin);
  if (!slot) { /* twice, too late, or of nobody's asking */
    result.strange += measuring;
    return;
  }
  int counts = measure_from_ns && slot->sent_ns >= measure_from_ns;
  uint64_t sent_ns = slot->sent_ns;
  release(slot - slots);
  if (reply[REPLY_STRATUM] == 0 && !any_stratum) {
    result.kissed += counts;
  } else if (transmit == 0 || arrival_ns < sent_ns) {
    result.invalid += counts;
  } else {
    result.in_time += measuring;
    result.answered += counts;
    if (counts) record(&result.latency, arrival_ns - sent_ns);
  }
}

/* ---- Options -------------------------------------------------------------------------------- */

static struct {
  struct wire_options wire;
  const char *wire_name, *requests;
  int window, burst, core, server_core, version, pids[MAX_PIDS], pid_count;
  double rate, seconds, warm;
} options = {
    .wire = {.port = 123, .sockets = 64, .request_bytes = HEADER_BYTES, .clients = "172.18.0.0/18"},
    .wire_name = "sockets",
    .burst = 32,
    .core = -1,
    .server_core = -1,
    .version = 4,
    .seconds = 1,
    .warm = 0.2,
};

static int request_bytes(void) { return options.wire.request_bytes; }

static const char usage_text[] =
    "usage: load --target ADDRESS (--window N | --rate PER_SECOND) [option…]\n"
    "  --port N            123\n"
    "  --seconds S         how long to measure, 0.1 to 60; 1\n"
    "  --warm S            load before that, 0 to 60; 0.2\n"
    "  --burst N           requests per system call at most, 1 to 64; 32\n"
    "  --version N         NTP version of the requests, 1 to 4; 4\n"
    "  --requests FILE     requests to send, as many as there are slots: --request-bytes N each, 52 to 256\n"
    "  --any-stratum 1     stratum 0 is an answer too: of servers that are not synchronised\n"
    "  --core N            run on this core\n"
    "  --pid N             report this process's CPU time (may be given again)\n"
    "  --server-core N     report what else ran on this core\n"
    "  --wire sockets      ordinary UDP sockets (default); --sockets N, 64\n"
    "  --wire packet       frames from invented addresses (root, IPv4): --interface NAME --mac SERVER_MAC\n"
    "                      --clients A.B.C.D/BITS, 172.18.0.0/18\n";

static double number(const char *name, const char *text, double least, double most) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= least && value <= most)) {
    fprintf(stderr, "load: --%s %s: wants a number from %g to %g\n", name, text, least, most);
    exit(1);
  }
  return value;
}

static void read_options(int argc, char **argv) {
  enum { TARGET, PORT, WINDOW, RATE, SECONDS, WARM, BURST, VERSION, CORE, PID, SERVER_CORE, WIRE, SOCKETS, INTERFACE, MAC, CLIENTS, REQUESTS, LENGTH, ANY };
  static const struct option known[] = {
      {"target", 1, 0, TARGET}, {"port", 1, 0, PORT},       {"window", 1, 0, WINDOW},
      {"rate", 1, 0, RATE},     {"seconds", 1, 0, SECONDS}, {"warm", 1, 0, WARM},
      {"burst", 1, 0, BURST},   {"version", 1, 0, VERSION}, {"core", 1, 0, CORE},
      {"pid", 1, 0, PID},       {"server-core", 1, 0, SERVER_CORE},
      {"wire", 1, 0, WIRE},     {"sockets", 1, 0, SOCKETS}, {"interface", 1, 0, INTERFACE},
      {"mac", 1, 0, MAC},       {"clients", 1, 0, CLIENTS},
      {"requests", 1, 0, REQUESTS}, {"request-bytes", 1, 0, LENGTH}, {"any-stratum", 1, 0, ANY}, {0, 0, 0, 0},
  };
  for (int which, index; (which = getopt_long(argc, argv, "", known, &index)) != -1;) {
    const char *name = which == '?' ? "" : known[index].name;
    switch (which) {
      case TARGET: options.wire.target = optarg; break;
      case PORT: options.wire.port = number(name, optarg, 1, 65535); break;
      case WINDOW: options.window = number(name, optarg, 1, 100000); break;
      case RATE: options.rate = number(name, optarg, 1, 2e6); break;
      case SECONDS: options.seconds = number(name, optarg, 0.1, 60); break;
      case WARM: options.warm = number(name, optarg, 0, 60); break;
      case BURST: options.burst = number(name, optarg, 1, MAX_BURST); break;
      case VERSION: options.version = number(name, optarg, 1, 4); break;
      case CORE: options.core = number(name, optarg, 0, CPU_SETSIZE - 1); break;
      case SERVER_CORE: options.server_core = number(name, optarg, 0, CPU_SETSIZE - 1); break;
      case PID:
        if (options.pid_count < MAX_PIDS) options.pids[options.pid_count++] = number(name, optarg, 1, 1 << 30);
        break;
      case WIRE: options.wire_name = optarg; break;
      case SOCKETS: options.wire.sockets = number(name, optarg, 1, 1024); break;
      case INTERFACE: options.wire.interface = optarg; break;
      case MAC: options.wire.mac = optarg; break;
      case CLIENTS: options.wire.clients = optarg; break;
      case REQUESTS: options.requests = optarg; break;
      case LENGTH: options.wire.request_bytes = number(name, optarg, HEADER_BYTES, MAX_REQUEST_BYTES); break;
      case ANY: any_stratum = number(name, optarg, 0, 1); break;
      default: fputs(usage_text, stderr), exit(1);
    }
  }
  int is_sockets = !strcmp(options.wire_name, "sockets"), is_packet = !strcmp(options.wire_name, "packet");
  if (optind < argc || !options.wire.target || !options.window == !options.rate || !(is_sockets || is_packet)) {
    fputs(usage_text, stderr);
    exit(1);
  }
}

/* ---- The run -------------------------------------------------------------------------------- */

struct snapshot {
  uint64_t at_ns; /* CLOCK_MONOTONIC */
  struct process_usage servers, own;
  struct core_usage server_core;
};

static struct snapshot snapshot(void) {
  struct snapshot taken = {.at_ns = clock_ns(CLOCK_MONOTONIC), .own = process_usage(getpid())};
  for (int i = 0; i < options.pid_count; i++) {
    struct process_usage one = process_usage(options.pids[i]);
    taken.servers.cpu_ns += one.cpu_ns;
    taken.servers.waited_ns += one.waited_ns;
  }
  if (options.server_core >= 0) taken.server_core = core_usage(options.server_core);
  return taken;
}

/* How many requests are due now; `next` is when the open loop's next one is. */
static int due(double *next, uint64_t now_ns) {
  int count = 0, most = options.burst < (int)free_count ? options.burst : (int)free_count;
  if (options.window) {
    /* Wait for a few to come together: one system call each would measure the generator. */
    int enough = options.burst / 4 < options.window ? options.burst / 4 : options.window;
    return most >= enough ? most : 0;
  }
  double gap = 1e9 / options.rate;
  while (count < most && *next <= now_ns) {
    count++;
    *next += -log((double)((random64() >> 11) + 1) * 0x1p-53) * gap;
  }
  if (*next + LATE_AFTER_NS < now_ns) {
    if (measuring) result.skipped += (now_ns - *next) / gap;
    *next = now_ns;
  }
  return count;
}

static uint64_t send_due(struct wire *wire, int count, uint64_t now_ns) {
  static uint8_t requests[MAX_BURST][MAX_REQUEST_BYTES];
  uint64_t sent_ns = realtime_ns();
  for (int i = 0; i < count; i++) {
    requests[i][0] = options.version << 3 | 3; /* leap 0, mode 3; all else zero (data minimisation) */
    take_slot(requests[i], sent_ns, now_ns);
  }
  int sent = wire->send(requests, count);
  if (measuring) result.sent += sent, result.unsent += count - sent;
  for (int i = sent; i < count; i++) {
    uint64_t transmit;
    memcpy(&transmit, requests[i] + REPLY_TRANSMIT, 8);
    release(slot_of(transmit) - slots);
  }
  return sent;
}

static void print_result(const struct wire *wire, const struct snapshot *from, const struct snapshot *to, uint64_t idle_ns) {
  double wall = to->at_ns - from->at_ns, requests = result.in_time ? result.in_time : 1;
  struct histogram *latency = &result.latency;
  uint64_t core_ns = to->server_core.busy_ns - from->server_core.busy_ns;
  uint64_t steal_ns = to->server_core.steal_ns - from->server_core.steal_ns;
  uint64_t all_ns = core_ns + steal_ns + to->server_core.idle_ns - from->server_core.idle_ns;
  double server_ns = to->servers.cpu_ns - from->servers.cpu_ns;
  printf("{\"wire\":\"%s\",\"mode\":\"%s\",\"seconds\":%.6f,", wire->name, options.window ? "window" : "rate", wall / 1e9);
  /* Requests sent while measuring and what became of them; perSecond: replies that came meanwhile. */
  printf("\"sent\":%lu,\"answered\":%lu,\"lost\":%lu,\"loss\":%.6f,\"perSecond\":%.1f,", result.sent, result.answered,
         result.lost, result.sent ? 1 - (double)result.answered / result.sent : 0, result.in_time * 1e9 / wall);
  /* Replies that do not count, and what the generator failed to do. */
  printf("\"kissed\":%lu,\"invalid\":%lu,\"strange\":%lu,\"unsent\":%lu,\"skipped\":%lu,\"overruns\":%lu,", result.kissed,
         result.invalid, result.strange, result.unsent, result.skipped, wire->overruns());
  printf("\"latencyUs\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f},", percentile(latency, .5) / 1e3,
         percentile(latency, .9) / 1e3, percentile(latency, .99) / 1e3, percentile(latency, .999) / 1e3);
  /* cpu: share of the time that the server's threads ran; core: that anything ran on its core. */
  printf("\"server\":{\"cpuUsPerRequest\":%.4f,\"cpu\":%.4f,\"waited\":%.4f,\"core\":%.4f,\"steal\":%.4f},",
         server_ns / 1e3 / requests, server_ns / wall, (to->servers.waited_ns - from->servers.waited_ns) / wall,
         all_ns ? (double)core_ns / all_ns : 0, all_ns ? (double)steal_ns / all_ns : 0);
  /* idle: share of the time with nothing to send or receive; waited: that others had our core. */
  printf("\"generator\":{\"idle\":%.4f,\"waited\":%.4f}}\n", idle_ns / wall,
         (to->own.waited_ns - from->own.waited_ns) / wall);
}

/* Reads --requests; returns how many there are. */
static uint32_t read_requests(void) {
  FILE *file = fopen(options.requests, "re");
  if (!file) fail("--requests");
  size_t most = (size_t)request_bytes() << SLOT_BITS;
  ready_made = malloc(most);
  if (!ready_made) fail("memory");
  uint32_t count = fread(ready_made, request_bytes(), most / request_bytes(), file);
  fclose(file);
  if (options.window > (int)count || !count) {
    errno = EINVAL;
    fail("--requests has fewer than --window wants");
  }
  return count;
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(options.warm + options.seconds + 5);
  if (options.core >= 0) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(options.core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores)) fail("--core");
  }
  struct wire wire = *options.wire_name == 'p' ? open_packet(&options.wire) : open_sockets(&options.wire);
  uint32_t most = options.requests ? read_requests() : 1 << SLOT_BITS;
  make_table(options.window ? (uint32_t)options.window : most);

  uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), idle_ns = 0;
  uint64_t start_ns = now_ns + options.warm * 1e9, end_ns = UINT64_MAX, stop_ns = UINT64_MAX;
  double next = now_ns;
  int finished = 0;
  struct snapshot from = {0}, to = {0};
  while (now_ns < stop_ns) {
    if (!measure_from_ns && now_ns >= start_ns) {
      from = snapshot();
      measure_from_ns = realtime_ns();
      measuring = 1;
      end_ns = from.at_ns + options.seconds * 1e9;
    } else if (measuring && now_ns >= end_ns) {
      measuring = 0;
      finished = 1;
      to = snapshot();
      stop_ns = to.at_ns + LOST_AFTER_NS + 10000000;
    }
    int count = finished ? 0 : due(&next, now_ns);
    if (count) send_due(&wire, count, now_ns);
    int got = wire.receive(handle_reply);
    expire(now_ns);
    if (finished && free_count == slot_count) break;
    uint64_t before_ns = now_ns;
    now_ns = clock_ns(CLOCK_MONOTONIC);
    if (measuring && !count && !got) idle_ns += now_ns - before_ns;
  }
  print_result(&wire, &from, &to, idle_ns);
  return 0;
}
