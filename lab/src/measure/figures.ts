/** Times and how they are told. */

/** As people read it; `not seen` without one. */
export function millisecondsText(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'not seen' : `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
}

/** When the last of it had happened; `undefined` while one of it has not. */
export function lastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((at) => at !== undefined);
  return known.length === times.length ? Math.max(...known) : undefined;
}
