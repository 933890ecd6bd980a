/** A resource as an author would write it: the reverse of `parseResource`, with every default spelled out. */
import { z } from 'zod';
import { KINDS, type Resource } from '../resource.ts';
import { formatDuration, formatInstant, type DurationMs, type Instant } from '../time.ts';
import { memberOf, objectSchema, writtenSchema } from './schema-shape.ts';

/** Plain data, ready for YAML or JSON. */
export interface AuthoredResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly spec: unknown;
}

/** Empty annotations and references are left out. Parsing the result gives an equal resource. */
export function authoredForm(resource: Resource): AuthoredResource {
  const { apiVersion, kind, metadata, spec } = resource;
  const { name, annotations, ownerRefs } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(ownerRefs.length === 0 ? {} : { ownerRefs }),
    },
    spec: authored(KINDS[kind].shape.spec, spec),
  };
}

/** Only times differ from what was written: everything else is kept as its text, number or mapping. */
function authored(schema: unknown, value: unknown): unknown {
  const written = writtenSchema(schema);
  if (typeof value === 'number') return timeText(written, value) ?? value;
  if (Array.isArray(value)) {
    const element = written instanceof z.ZodArray ? written.element : undefined;
    return value.map((item: unknown) => authored(element, item));
  }
  if (typeof value !== 'object' || value === null) return value;
  const shape = objectSchema(written, value)?.shape;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
      if (member === undefined) return [];
      const inner = written instanceof z.ZodRecord ? written.valueType : memberOf(shape, key);
      return [[key, authored(inner, member)]];
    }),
  );
}

function timeText(schema: unknown, value: number): string | undefined {
  const expected = schema instanceof z.ZodType ? schema.meta()?.['expected'] : undefined;
  if (typeof expected !== 'string') return undefined;
  if (expected.startsWith('a duration ')) return formatDuration(value as DurationMs);
  return expected.startsWith('a time ') ? formatInstant(value as Instant) : undefined;
}
