/*
 * Latencies in a fixed table: 64 buckets for each power of two, so a percentile is right to 1.6 %
 * however many there are.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { BUCKET_BITS = 6, BUCKETS = 1 << BUCKET_BITS, POWERS = 40 };

struct histogram {
  uint64_t count;
  uint32_t buckets[POWERS << BUCKET_BITS];
};

static inline void record(struct histogram *histogram, uint64_t ns) {
  int shift = ns < BUCKETS ? 0 : 63 - __builtin_clzll(ns) - BUCKET_BITS;
  if (shift > POWERS - 2) shift = POWERS - 2, ns = (2ull << (shift + BUCKET_BITS)) - 1;
  /* Below 2 * BUCKETS values stand for themselves; above, each power of two has its row. */
  histogram->buckets[(shift << BUCKET_BITS) + (ns >> shift)]++;
  histogram->count++;
}

/* The value in ns that `share` of the recorded ones do not exceed; 0 when there are none. */
static inline double percentile(const struct histogram *histogram, double share) {
  uint64_t wanted = share * histogram->count, seen = 0;
  if (wanted >= histogram->count) wanted = histogram->count - 1;
  if (!histogram->count) return 0;
  for (int i = 0; i < POWERS << BUCKET_BITS; i++) {
    seen += histogram->buckets[i];
    if (seen <= wanted) continue;
    int shift = i < 2 * BUCKETS ? 0 : (i >> BUCKET_BITS) - 1;
    return ((double)(i - (shift << BUCKET_BITS)) + (shift ? 0.5 : 0)) * (double)(1ull << shift);
  }
  return 0;
}

#endif
