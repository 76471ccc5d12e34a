import type { Clock } from "../../clock/clock.ts";

/**
 * Loads the clock of a worker.
 *
 * @param url of a module whose default export is a `Clock`, a class of clocks, or a function that
 * makes one
 * @throws {TypeError} if it is none of these
 */
export async function loadClock(url: string): Promise<Clock> {
  const { default: exported } = await import(url) as { default?: unknown };
  const clock = await make(exported);
  for (const method of ["now", "read", "state"] as const) {
    if (typeof (clock as Partial<Clock> | null | undefined)?.[method] !== "function") {
      throw new TypeError(
        `The default export of clockModule ${url} is a Clock, a class of clocks or a function that ` +
          `makes one, but there is no ${method}() in ${String(clock)}`,
      );
    }
  }
  return clock as Clock;
}

function make(exported: unknown): unknown {
  if (typeof exported !== "function") return exported;
  const isClass = typeof (exported.prototype as Partial<Clock> | undefined)?.read === "function";
  return isClass ? new (exported as new () => unknown)() : (exported as () => unknown)();
}
