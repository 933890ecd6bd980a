export type Mapping = Readonly<Record<string, unknown>>;

export function asMapping(value: unknown): Mapping {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`expected a mapping, found ${JSON.stringify(value)}`);
  }
  return Object.fromEntries(Object.entries(value));
}
