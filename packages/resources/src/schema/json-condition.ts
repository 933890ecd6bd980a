/** What JSON Schema can say of fields that depend on each other. */

type Condition = Readonly<Record<string, unknown>>;

/** Where `when` fits, `demands` has to fit, and elsewhere `otherwise`. Passed to `meta`, as refinements are opaque to JSON Schema. */
export function conditional(parts: {
  readonly when: Condition;
  readonly demands: Condition;
  readonly otherwise?: Condition;
}): Condition {
  const { when, demands, otherwise } = parts;
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema; nobody awaits a schema
  return { if: when, then: demands, ...(otherwise === undefined ? {} : { else: otherwise }) };
}

/** The field is there and has the value. */
export function fieldIs(field: string, value: string): Condition {
  return { properties: { [field]: { const: value } }, required: [field] };
}

export function oneIsThere(fields: readonly string[]): Condition {
  return { anyOf: fields.map((field) => ({ required: [field] })) };
}
