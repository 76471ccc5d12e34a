// Tells the time as other programs do: to a segment of shared memory, in mode 0 and without
// nanoseconds, and to a socket. The layouts are the compiler's.
//
//     teller UNIT PATH AHEAD
//
// AHEAD is how far its clock is ahead of the machine's, in microseconds. Ends with its input.

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct segment {
  int mode;
  volatile int count;
  time_t clock_seconds;
  int clock_microseconds;
  time_t receive_seconds;
  int receive_microseconds;
  int leap;
  int precision;
  int samples;
  volatile int valid;
  unsigned clock_nanoseconds;
  unsigned receive_nanoseconds;
  int unused[8];
};

struct sample {
  struct timeval time;
  double offset;
  int pulse;
  int leap;
  int unused;
  int magic;
};

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int id = shmget(0x4e545030 + atoi(argv[1]), sizeof(struct segment), IPC_CREAT | 0600);
  struct segment *segment = id < 0 ? (void *)-1 : shmat(id, 0, 0);
  if (segment == (void *)-1) {
    perror("shared memory");
    return 1;
  }
  int to = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[2], sizeof address.sun_path - 1);
  long ahead = atol(argv[3]);
  puts("ready");
  fflush(stdout);

  struct pollfd input = {.fd = 0, .events = POLLIN};
  while (poll(&input, 1, 100) == 0) {
    struct timeval now, then, by = {ahead / 1000000, ahead % 1000000};
    gettimeofday(&now, 0);
    timeradd(&now, &by, &then);
    if (!segment->valid) {
      segment->mode = 0;
      segment->clock_seconds = then.tv_sec;
      segment->clock_microseconds = then.tv_usec;
      segment->receive_seconds = now.tv_sec;
      segment->receive_microseconds = now.tv_usec;
      segment->leap = 0;
      segment->precision = -20;
      __sync_synchronize();
      segment->valid = 1;
    }
    struct sample sample = {now, ahead / 1e6, 0, 0, 0, 0x534f434b};
    // Whoever takes it may not be there yet.
    sendto(to, &sample, sizeof sample, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address);
  }
  return 0;
}
