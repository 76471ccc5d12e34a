/* Preloaded into every peer: answers each call that would steer the machine's clock with success and
 * steers nothing, since some daemons exit when they may not. Built without the C library of this
 * machine, so that it loads into peers of older and newer ones. */

#include <stddef.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

/* What was last "set": daemons read their frequency and status back. */
static struct timex pretended = {.maxerror = 16000, .esterror = 16000, .tick = 10000};

static int pretend(struct timex *t) {
  static const unsigned known = ADJ_OFFSET | ADJ_FREQUENCY | ADJ_MAXERROR | ADJ_ESTERROR |
                                ADJ_STATUS | ADJ_TIMECONST | ADJ_TICK;
  if (t == NULL) return 0;
  unsigned modes = t->modes;
  if (modes != ADJ_OFFSET_SS_READ && modes != ADJ_OFFSET_SINGLESHOT) {
    modes &= known;
    if (modes & ADJ_FREQUENCY) pretended.freq = t->freq;
    if (modes & ADJ_MAXERROR) pretended.maxerror = t->maxerror;
    if (modes & ADJ_ESTERROR) pretended.esterror = t->esterror;
    if (modes & ADJ_STATUS) pretended.status = t->status;
    if (modes & ADJ_TIMECONST) pretended.constant = t->constant;
    if (modes & ADJ_TICK) pretended.tick = t->tick;
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  modes = t->modes;
  *t = pretended;
  t->modes = modes;
  t->offset = 0;
  t->precision = 1;
  t->tolerance = 32768000;
  t->time.tv_sec = now.tv_sec;
  t->time.tv_usec = now.tv_nsec / 1000;
  return pretended.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

int adjtimex(struct timex *t) { return pretend(t); }
int ntp_adjtime(struct timex *t) { return pretend(t); }
int clock_adjtime(clockid_t clock, struct timex *t) { return (void)clock, pretend(t); }

int clock_settime(clockid_t clock, const struct timespec *t) { return (void)clock, (void)t, 0; }
int settimeofday(const struct timeval *t, const struct timezone *z) { return (void)t, (void)z, 0; }
int stime(const time_t *t) { return (void)t, 0; }

int adjtime(const struct timeval *delta, struct timeval *left) {
  (void)delta;
  if (left != NULL) left->tv_sec = left->tv_usec = 0;
  return 0;
}
