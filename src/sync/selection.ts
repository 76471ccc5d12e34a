import type { Estimate } from "./estimate.ts";

/** How the user wants a source to be treated. All default to false. */
export interface SourcePreference {
  /** Follow the preferred sources alone, as long as one of them is selectable. */
  readonly prefer?: boolean;
  /** Follow none unless one of the required sources is selectable. */
  readonly require?: boolean;
  /** Whoever disagrees with the trusted sources is wrong, however many they are. */
  readonly trust?: boolean;
  /** Watch it only. */
  readonly noSelect?: boolean;
}

/**
 * Why a source is followed or not. `"selected"`: it is. `"no samples"`: nothing has been heard yet.
 * `"unreachable"`: it has not answered the last eight polls. `"unsynchronized"`: it says so, or
 * cannot be used. `"too distant"`: its error may be larger than wanted. `"smeared"`: it smears leap
 * seconds and the others do not, or the other way round. `"falseticker"`: it contradicts a majority.
 * `"no majority"`: there is none, or some source that has a say has not been heard. `"outlier"`: the
 * others agree better without it. `"not preferred"`: there are preferred ones. `"required missing"`:
 * no required source is selectable. `"watched"`: the user wants it only watched.
 */
export type SourceState =
  | "selected"
  | "no samples"
  | "unreachable"
  | "unsynchronized"
  | "too distant"
  | "smeared"
  | "falseticker"
  | "no majority"
  | "outlier"
  | "not preferred"
  | "required missing"
  | "watched";

/** A source that could be followed, as of one moment. */
export interface Candidate extends SourcePreference {
  /** Offset and frequency against the raw clock, now. */
  readonly estimate: Estimate;
  /** Largest error that the offset can have, in seconds. */
  readonly distance: number;
  /** Whether it smears leap seconds. */
  readonly smeared: boolean;
}

/** What selection finds. */
export interface Selection {
  /** Of each candidate, in their order. */
  readonly states: readonly SourceState[];
  /** Offset and frequency that the selected sources say together; undefined if none is. */
  readonly estimate: Estimate | undefined;
  /** Offsets that the truth lies between, if a majority of the candidates speaks the truth. */
  readonly low: number;
  /** See `low`. */
  readonly high: number;
}

/** Clustering leaves at least so many (RFC 5905 §7.2: NMIN). */
const LEAST_CLUSTER = 3;
/**
 * Part of its distance that a source's offset is taken to be off by, beyond what its samples show:
 * paths are not symmetric, and no sample tells.
 */
const ASYMMETRY = 1 / 4;

/** An end of the interval that a candidate says the truth is in. */
interface Edge {
  readonly at: number;
  /** 1, it begins; -1, it ends. */
  readonly step: 1 | -1;
}

/**
 * Finds out whom to believe (RFC 5905 §11.2): the intersection tells falsetickers from truechimers,
 * clustering leaves out who agrees least, and what is left is combined by how sure each is.
 *
 * @param candidates those who could be followed
 * @param voters how many sources have a say: the candidates, and those who may still answer
 */
export function select(candidates: readonly Candidate[], voters: number): Selection {
  const states: SourceState[] = candidates.map(() => "selected");
  const nobody = (reason: SourceState): Selection => ({
    states: states.map((state) => state === "selected" ? reason : state),
    estimate: undefined,
    low: -Infinity,
    high: Infinity,
  });
  const active = (): number[] => [...states.keys()].filter((i) => states[i] === "selected");
  candidates.forEach(({ noSelect }, i) => {
    if (noSelect) states[i] = "watched";
  });
  voters -= candidates.length - active().length;

  const smeared = active().filter((i) => candidates[i]!.smeared);
  if (smeared.length > 0 && smeared.length < active().length) {
    const plain = active().length - smeared.length;
    for (const i of active()) {
      if (candidates[i]!.smeared !== smeared.length > plain) states[i] = "smeared";
    }
    voters -= Math.min(smeared.length, plain);
  }

  const trusted = active().filter((i) => candidates[i]!.trust);
  const judges = trusted.length > 0 ? trusted : active();
  if (judges.length === 0) return nobody("no majority");
  const majority = Math.floor((trusted.length > 0 ? trusted.length : voters) / 2) + 1;
  const agreed = intersection(judges.map((i) => candidates[i]!));
  if (agreed.count < majority) return nobody("no majority");
  for (const i of active()) {
    const { estimate: { offset }, distance } = candidates[i]!;
    if (offset + distance < agreed.low || offset - distance > agreed.high) {
      states[i] = "falseticker";
    }
  }

  const required = candidates.some((candidate) => candidate.require);
  if (required && !active().some((i) => candidates[i]!.require)) return nobody("required missing");

  const preferred = active().filter((i) => candidates[i]!.prefer);
  if (preferred.length > 0) {
    for (const i of active()) if (!candidates[i]!.prefer) states[i] = "not preferred";
  }
  for (let worst = outlier(candidates, active()); worst >= 0;) {
    states[worst] = "outlier";
    worst = outlier(candidates, active());
  }
  const { low, high } = intersection(judges.map((i) => candidates[i]!), majority);
  return { states, estimate: combine(active().map((i) => candidates[i]!), agreed), low, high };
}

/**
 * The stretch that most intervals have in common, or that at least `wanted` of them do: from the
 * first such point to the last (Marzullo's algorithm).
 */
function intersection(
  candidates: readonly Candidate[],
  wanted?: number,
): { count: number; low: number; high: number } {
  const edges: Edge[] = candidates.flatMap(({ estimate, distance }) => [
    { at: estimate.offset - distance, step: 1 },
    { at: estimate.offset + distance, step: -1 },
  ]);
  edges.sort((a, b) => a.at - b.at || b.step - a.step); // intervals that only touch do overlap
  let most = wanted ?? 0, depth = 0;
  if (wanted === undefined) {
    for (const { step } of edges) most = Math.max(most, depth += step);
  }
  let low = Infinity, high = -Infinity;
  depth = 0;
  for (const { at, step } of edges) {
    if (step === 1 && ++depth >= most) low = Math.min(low, at);
    else if (step === -1 && depth-- >= most) high = at;
  }
  return { count: most, low, high };
}

/** Standard deviation that a candidate's samples show. */
function deviation({ estimate }: Candidate): number {
  return Math.sqrt(Math.max(0, estimate.offsetVariance));
}

/**
 * Whoever of them should be left out next (RFC 5905 §11.2.2): it differs from the others by more than
 * the surest of them is unsure.
 *
 * @returns its index; -1, nobody
 */
function outlier(candidates: readonly Candidate[], active: readonly number[]): number {
  if (active.length <= LEAST_CLUSTER) return -1;
  // Sums, so that the squares of all differences need not be gone through; from one of the offsets,
  // so that little is lost to rounding.
  const origin = candidates[active[0]!]!.estimate.offset, count = active.length;
  let sum = 0, squares = 0;
  for (const i of active) {
    const offset = candidates[i]!.estimate.offset - origin;
    sum += offset;
    squares += offset * offset;
  }
  let worst = -1, most = 0, worstJitter = 0, least = Infinity;
  for (const i of active) {
    const candidate = candidates[i]!, offset = candidate.estimate.offset - origin;
    const differences = count * offset * offset - 2 * offset * sum + squares;
    const jitter = Math.sqrt(Math.max(0, differences) / (count - 1));
    least = Math.min(least, deviation(candidate) + ASYMMETRY * candidate.distance);
    if (jitter * candidate.distance > most) {
      most = jitter * candidate.distance;
      worst = i;
      worstJitter = jitter;
    }
  }
  return worstJitter > least ? worst : -1;
}

/** The selected ones as one, kept within what they agree on. */
function combine(
  candidates: readonly Candidate[],
  { low, high }: { low: number; high: number },
): Estimate {
  let sum = 0, frequencySum = 0, offset = 0, frequency = 0;
  let offsetVariance = 0, frequencyVariance = 0, covariance = 0;
  for (const { estimate, distance } of candidates) {
    const weight = 1 / (estimate.offsetVariance + (ASYMMETRY * distance) ** 2 + Number.MIN_VALUE);
    const frequencyWeight = 1 / (estimate.frequencyVariance + Number.MIN_VALUE);
    sum += weight;
    frequencySum += frequencyWeight;
    offset += weight * estimate.offset;
    frequency += frequencyWeight * estimate.frequency;
    // They see one wandering clock, so their errors do not average out: the mean, not the sum.
    offsetVariance += weight * estimate.offsetVariance;
    covariance += weight * estimate.covariance;
    frequencyVariance += frequencyWeight * estimate.frequencyVariance;
  }
  return {
    time: candidates[0]!.estimate.time,
    offset: Math.min(high, Math.max(low, offset / sum)),
    frequency: frequency / frequencySum,
    offsetVariance: offsetVariance / sum,
    covariance: covariance / sum,
    frequencyVariance: frequencyVariance / frequencySum,
  };
}
