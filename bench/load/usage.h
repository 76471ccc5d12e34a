/* What processes and cores have used, from /proc. */
#ifndef USAGE_H
#define USAGE_H

#include <stdint.h>

struct process_usage {
  uint64_t cpu_ns;    /* time on a processor, all threads */
  uint64_t waited_ns; /* time ready to run while something else ran, all threads */
};

struct core_usage {
  uint64_t busy_ns, idle_ns, steal_ns;
};

/* Zeroes where there is no such process or core. */
struct process_usage process_usage(int pid);
struct core_usage core_usage(int core);

#endif
