/** How long a machine may take to learn who it is. Declared in `Plugin.spec.env` where a metadata service is slower than most, or must not be waited for. */
const VARIABLE = 'ROUTERD_IDENTITY_LIMIT_MS';

/**
 * @param usualMs without the variable
 * @param environment `process.env`
 * @throws for a value that is no positive number of milliseconds: a misspelt limit is not silently the usual one
 */
export function identityLimitMs(
  usualMs: number,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const text = environment[VARIABLE];
  if (text === undefined || text === '') return usualMs;
  const milliseconds = Number(text);
  if (!(milliseconds > 0 && milliseconds <= 600_000)) {
    throw new Error(`${VARIABLE} has to be a number of milliseconds up to 600000, not "${text}"`);
  }
  return milliseconds;
}
