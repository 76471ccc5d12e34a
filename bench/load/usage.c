#define _GNU_SOURCE
#include "usage.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* schedstat counts nanoseconds; where the kernel has none, stat counts ticks of usually 10 ms. */
static int read_schedstat(const char *path, struct process_usage *usage) {
  unsigned long long ran, waited;
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  int found = fscanf(file, "%llu %llu", &ran, &waited) == 2;
  fclose(file);
  if (!found) return 0;
  usage->cpu_ns += ran;
  usage->waited_ns += waited;
  return 1;
}

static void read_stat(const char *path, struct process_usage *usage) {
  char text[1024];
  unsigned long long user, system;
  FILE *file = fopen(path, "re");
  if (!file) return;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  char *name_end = strrchr(text, ')'); /* the name may hold anything */
  if (name_end && sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) == 2) {
    usage->cpu_ns += (user + system) * (1000000000ull / sysconf(_SC_CLK_TCK));
  }
}

struct process_usage process_usage(int pid) {
  struct process_usage usage = {0, 0};
  char path[512];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (!tasks) return usage;
  int counted = 0;
  for (struct dirent *task; (task = readdir(tasks));) {
    if (task->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, task->d_name);
    counted += read_schedstat(path, &usage);
  }
  closedir(tasks);
  if (!counted) {
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    read_stat(path, &usage);
  }
  return usage;
}

struct core_usage core_usage(int core) {
  struct core_usage usage = {0, 0, 0};
  char line[512], name[24];
  FILE *file = fopen("/proc/stat", "re");
  if (!file) return usage;
  int name_length = snprintf(name, sizeof name, "cpu%d ", core);
  uint64_t tick_ns = 1000000000ull / sysconf(_SC_CLK_TCK);
  while (fgets(line, sizeof line, file)) {
    unsigned long long user, nice, system, idle, waiting, irq, soft_irq, steal;
    if (strncmp(line, name, name_length)) continue;
    if (sscanf(line + name_length, "%llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting,
               &irq, &soft_irq, &steal) == 8) {
      usage.busy_ns = (user + nice + system + irq + soft_irq) * tick_ns;
      usage.idle_ns = (idle + waiting) * tick_ns;
      usage.steal_ns = steal * tick_ns;
    }
    break;
  }
  fclose(file);
  return usage;
}
