// How long to wait before attempt number `attempt` (from 0): anything up to a ceiling that doubles, so that a county that
// lost its network together does not come back together.
const FIRST_MS = 500;
const MOST_MS = 20_000;

export function fullJitter(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(MOST_MS, FIRST_MS * 2 ** attempt);
}
