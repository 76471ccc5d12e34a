// The machine a benchmark runs on: what it is, which cores we may use, and whether others use them.

import { readFileSync } from "node:fs";
import os from "node:os";

/**
 * @returns {number[]} the cores this process may run on
 */
export function allowedCores() {
  let list = `0-${os.availableParallelism() - 1}`;
  try {
    list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ??
      list;
  } catch {
    // Not Linux: all of them.
  }
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * What figures depend on.
 *
 * @param {Record<string, unknown>} more what the benchmark knows besides
 */
export function describeMachine(more = {}) {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: allowedCores().length,
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    ...more,
    /** @type {string[]} */
    warnings: [],
  };
}

/** Time all cores together have spent, in ticks. */
function totals() {
  try {
    const text = readFileSync("/proc/stat", "utf8");
    const [user, nice, system, idle, waiting, irq, softIrq, steal] = text.split("\n")[0].split(
      /\s+/,
    ).slice(1).map(Number);
    const busy = user + nice + system + irq + softIrq;
    return { busy, steal, all: busy + steal + idle + waiting };
  } catch {
    return { busy: 0, steal: 0, all: 0 };
  }
}

/**
 * Warns if others use the machine already.
 *
 * @param {{ warnings: string[] }} machine
 */
export async function warnIfBusy({ warnings }) {
  const before = totals();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const after = totals();
  const share = (after.busy + after.steal - before.busy - before.steal) /
    (after.all - before.all || 1);
  if (share > 0.05) {
    warnings.push(
      `the machine was busy before the start (${Math.round(share * 100)} % of its cores)`,
    );
  }
}
