/**
 * Deep equality as `@std/assert` defines it. It differs from `node:util`'s isDeepStrictEqual: 0
 * equals -0, and an object without prototype equals a plain one.
 *
 * @module
 */

type Seen = Map<object, object>;

/** Whether two values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Seen): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!sameKind(a, b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if ((a instanceof RegExp && b instanceof RegExp) || (a instanceof URL && b instanceof URL)) {
    return String(a) === String(b);
  }
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Set && b instanceof Set) return sameMembers([...a], [...b], seen);
  if (a instanceof Map && b instanceof Map) return sameMembers([...a], [...b], seen);
  return sameProperties(a, b, seen);
}

function sameKind(a: object, b: object): boolean {
  const [x, y] = [a.constructor, b.constructor];
  return x === y || (x === Object && !y) || (!x && y === Object);
}

/** Sets and maps have no order: every member needs a partner of its own. */
function sameMembers(a: unknown[], b: unknown[], seen: Seen): boolean {
  if (a.length !== b.length) return false;
  const left = [...b];
  for (const member of a) {
    const at = left.findIndex((other) => compare(member, other, new Map(seen)));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
}

function sameProperties(a: object, b: object, seen: Seen): boolean {
  const keys = properties(a);
  if (keys.length !== properties(b).length) return false;
  return keys.every((key) =>
    key in b &&
    compare(
      (a as Record<PropertyKey, unknown>)[key],
      (b as Record<PropertyKey, unknown>)[key],
      seen,
    )
  );
}

function properties(object: object): PropertyKey[] {
  return Reflect.ownKeys(object).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(object, key)
  );
}
