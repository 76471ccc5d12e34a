// What the modules under src/ may import: a room uses only rooms above it, and the outside world comes
// in at few, named places.

/** The rooms from the ground up, and which of those above each may use; without a list: all. */
const ROOMS: readonly (readonly [room: string, uses?: readonly string[]])[] = [
  ["packet"],
  ["clock"],
  ["transport", ["packet"]],
  ["auth", ["packet"]],
  ["nts", ["packet", "clock", "transport", "auth"]],
  ["server"],
  ["client"],
  ["association"],
  ["sync"],
  ["reference"],
  ["steering", ["packet", "clock", "transport"]],
  ["metrics"],
  ["experimental", ["packet", "clock", "transport", "server", "client"]],
  ["testing"],
  ["cli"],
];

/** Rooms that are the protocol itself: not even a dynamic import may reach the runtime from there. */
const PURE = ["packet", "server", "client", "association", "sync", "experimental"];

/** Modules that are bound to one runtime's modules, and are themselves imported dynamically. */
const BOUND = [/^src\/transport\/node\.ts$/, /^src\/transport\/native\//, /^src\/cli\//];

/** The one place that knows where `@std` is from. */
const STD = "src/cli/std.ts";
/** The module that reads configuration files. */
const TOML = "src/cli/toml.ts";

/** An import as written. */
export interface Import {
  /** What is imported. */
  specifier: string;
  /** Whether by `import()`. */
  dynamic: boolean;
}

const STATIC = /^\s*(?:(?:import|export)\b[^;"'()]*?\bfrom|import)\s*["']([^"'\n]+)["']/gm;
const DYNAMIC = /\bimport\(\s*["']([^"'\n]+)["']/g;

/** The imports and re-exports of a module. */
export function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const found: Import[] = [];
  for (const [, specifier] of code.matchAll(STATIC)) {
    found.push({ specifier: specifier!, dynamic: false });
  }
  for (const [, specifier] of code.matchAll(DYNAMIC)) {
    found.push({ specifier: specifier!, dynamic: true });
  }
  return found;
}

/**
 * What is wrong with the imports of a module.
 *
 * @param path from the root of the repository, as in `src/packet/header.ts`
 */
export function faultsOf(path: string, source: string): string[] {
  return importsOf(source).flatMap((one) => {
    const fault = faultOf(path, one);
    return fault ? [`${path} imports "${one.specifier}": ${fault}`] : [];
  });
}

function faultOf(path: string, { specifier, dynamic }: Import): string | undefined {
  const room = roomOf(path);
  if (room === undefined) return "the importing module is in no room";
  if (!specifier.startsWith(".")) return outsideFault(path, room, specifier, dynamic);
  if (!specifier.endsWith(".ts")) return "relative imports end in .ts";
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  if (target.startsWith("tools/std/") && path === STD) return undefined;
  const other = roomOf(target);
  if (other === undefined) return "it is in no room";
  if (other === room) return undefined;
  return usableBy(room).includes(other) ? undefined : `${room} may not use ${other}`;
}

function outsideFault(
  path: string,
  room: string,
  specifier: string,
  dynamic: boolean,
): string | undefined {
  if (specifier.startsWith("@std/")) return path === STD ? undefined : `only ${STD} may use @std`;
  if (specifier === "smol-toml" && path === TOML && dynamic) return undefined;
  if (!specifier.startsWith("node:")) return "the library has no dependencies";
  if (PURE.includes(room)) return `${room} is pure`;
  if (dynamic || BOUND.some((pattern) => pattern.test(path))) return undefined;
  return "import it dynamically, so that the module loads everywhere";
}

function roomOf(path: string): string | undefined {
  const room = /^src\/([^/]+)\//.exec(path)?.[1];
  return ROOMS.some(([name]) => name === room) ? room : undefined;
}

function usableBy(room: string): readonly string[] {
  const at = ROOMS.findIndex(([name]) => name === room);
  return ROOMS[at]?.[1] ?? ROOMS.slice(0, at).map(([name]) => name);
}
